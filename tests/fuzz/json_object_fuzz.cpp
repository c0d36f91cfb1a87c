// fuzz: plugin model http base
// JSON bodies as plugins change them: what the JSON library takes for an object is one here too,
// what is taken stays as it was written, and what was removed is gone for every reader.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "plugin/json_object.h"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  auto object = plugin::JsonObject::parse(text);
  const Json theirs = parse_json(text);
  if (theirs.is_object() && !object) std::abort();
  (void)plugin::json_elements(text);
  if (!object) return 0;
  if (object->text() != text) std::abort();
  object->append("a", "1");
  object->rename("b", "c");
  object->remove("a");
  const auto again = plugin::JsonObject::parse(object->text());
  if (!again || again->has("a") || again->has("b")) std::abort();
  const Json changed = parse_json(object->text());
  if (theirs.is_object() && (!changed.is_object() || changed.contains("a"))) std::abort();
  return 0;
}
