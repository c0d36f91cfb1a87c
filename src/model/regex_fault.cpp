// The one place of this folder that knows PCRE2: whether an expression compiles.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include "model/formats.h"

namespace sallyport::model::formats {

std::string regex_fault(std::string_view pattern) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                       PCRE2_ANCHORED, &code, &offset, nullptr);
  if (compiled != nullptr) {
    pcre2_code_free(compiled);
    return {};
  }
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return fmt::format("{} at offset {}", reinterpret_cast<const char*>(text), offset);
}

}  // namespace sallyport::model::formats
