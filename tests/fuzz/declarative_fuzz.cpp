// fuzz: model base
// Declarative files, YAML and JSON, from bytes to checked rows. Nothing may crash or take long;
// what is accepted must come back from its own text, row by row.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "model/declarative.h"
#include "model/declarative_document.h"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const model::DocumentLimits limits{
      .bytes = 1 << 16, .depth = 50, .values = 10'000, .aliased_values = 10'000, .keys = 100};
  auto document = model::read_document(text, limits);
  if (!document) {
    if (document.error().detail.empty()) std::abort();
    return 0;
  }
  auto again = model::read_document(model::write_yaml(*document));
  if (!again || *again != *document) std::abort();

  auto declaration = model::read_declaration(text, 1.5e9);
  if (!declaration) {
    if (declaration.error().text().empty()) std::abort();
    return 0;
  }
  std::string written = model::write_yaml(model::declaration_document(*declaration));
  auto second = model::read_declaration(written, 1.6e9);
  if (!second || second->size() != declaration->size()) std::abort();
  return 0;
}
