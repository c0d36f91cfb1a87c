#include "admin/tag_endpoints.h"

#include "admin/fault_answers.h"
#include "admin/paging.h"
#include "base/json.h"
#include "model/formats.h"
#include "model/schemas.h"

namespace sallyport::admin {
namespace {

Answer tagged(model::Store& store, const Request& request, const std::string& tag) {
  if (std::string fault = model::formats::tag(tag); !fault.empty()) {
    return invalid_unique("tag", fault);
  }
  auto query = read_page_query(request, false);
  if (!query) return std::move(query.error());
  auto page = store.tagged(tag, *query);
  if (page) return json_answer(200, page_json(request, *query, *std::move(page)));
  if (page.error().kind == model::StoreFault::Kind::bad_offset) {
    return invalid_offset(query->offset);
  }
  return store_fault(model::tags(), nullptr, page.error());
}

}  // namespace

void add_tag_endpoints(Endpoints& endpoints, model::Store& store) {
  model::Store* s = &store;
  endpoints.add("/tags", "GET", [s](auto& r, Keys) { return tagged(*s, r, ""); });
  endpoints.add("/tags/{tags}", "GET", [s](auto& r, Keys k) { return tagged(*s, r, k[0]); });
}

}  // namespace sallyport::admin
