// fuzz: admin model http conf base
// The way of an Admin API body from bytes to a checked row: JSON, form and multipart decoding, key
// nesting, type inference, completion and validation. Nothing may crash, and what is accepted must
// be storable. The first byte chooses the type of the body and the entity.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "admin/entity_writer.h"
#include "admin/request_body.h"
#include "base/json.h"
#include "base/text.h"
#include "model/complete.h"
#include "model/schemas.h"
#include "model/validate.h"

using namespace sallyport;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const char* const kTypes[] = {"application/json", "application/x-www-form-urlencoded",
                                       "multipart/form-data; boundary=b"};
  http::BufferedRequest raw;
  raw.method = "POST";
  raw.target = "/";
  raw.headers = {{"Content-Type", kTypes[data[0] % 3]}};
  raw.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto all = model::entities();
  const model::EntitySchema& entity = *all[data[0] / 3 % all.size()];

  auto request = admin::Request::parse(raw);
  if (!request) return 0;
  auto input = admin::read_body(*request, &entity);
  if (!input) return 0;
  Json before = *input;
  const model::Shape* sub = model::subschema_of(entity, *input);
  if (!model::expand_shorthands(entity, sub, *input).is_null()) return 0;
  Json row = model::complete(entity, *input, 1.5e9);
  Json faults = model::validate(entity, row);
  if (!faults.is_null()) {
    if (model::fault_message(faults).empty()) std::abort();
  } else if (!text::valid_utf8(row.dump())) {
    std::abort();  // dump() throws on what is no UTF-8
  }
  // A change of a row by itself is as sound as the row.
  Json merged = model::merge(entity, row, before);
  (void)model::validate_update(entity, before, model::complete(entity, merged, 1.5e9));
  return 0;
}
