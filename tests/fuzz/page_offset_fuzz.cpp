// fuzz: admin model http conf base
// The query of a list call: size, offset and tags as a client may send them, and the page that
// comes of it. Every row comes once on the way through the pages, whatever the offset began with.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "admin/paging.h"
#include "base/json.h"
#include "model/declared_store.h"
#include "model/schemas.h"

using namespace sallyport;

namespace {

model::DeclaredStore& store() {
  static model::DeclaredStore kept;
  static bool filled = [] {
    std::string text = "_format_version: '3.0'\nservices:\n";
    for (int i = 0; i < 20; ++i)
      text += "- {name: s" + std::to_string(i) + ", host: h, tags: [t]}\n";
    kept.replace(*model::read_declaration(text, 1.5e9));
    return true;
  }();
  (void)filled;
  return kept;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  http::BufferedRequest raw;
  raw.method = "GET";
  raw.target = "/services?" + std::string(reinterpret_cast<const char*>(data), size);
  auto request = admin::Request::parse(raw);
  if (!request) return 0;
  auto query = admin::read_page_query(*request, true);
  if (!query) return 0;
  if (query->size < 1 || query->size > 1000) std::abort();
  size_t seen = 0;
  for (;;) {
    auto page = store().page(model::services(), *query);
    if (!page) {
      if (page.error().kind != model::StoreFault::Kind::bad_offset || seen > 0) std::abort();
      return 0;
    }
    seen += page->rows.size();
    if (seen > 20 || page->rows.size() > static_cast<size_t>(query->size)) std::abort();
    if (page->next_offset.empty()) return 0;
    query->offset = page->next_offset;
  }
}
