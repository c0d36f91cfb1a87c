// fuzz: pki base
// Certificates, revocation lists and keys of strangers are read, judged, drawn and turned into JSON
// without fault; nothing that could steer a terminal comes out.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "pki/findings.h"
#include "pki/picture.h"
#include "pki/revocation.h"
#include "pki/verification.h"

namespace {

using namespace sallyport;  // NOLINT

void demand_plain(std::string_view text) {
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) std::abort();
  }
}

void look_at(const std::vector<pki::Certificate>& certificates) {
  constexpr int64_t kNow = 1'750'000'000;
  pki::PictureOptions options{{}, kNow, true};
  demand_plain(pki::picture(certificates, options));
  for (const pki::Certificate& one : certificates) {
    for (auto purpose : {pki::Purpose::any, pki::Purpose::server, pki::Purpose::client}) {
      pki::findings(one.info(), purpose, kNow);
    }
    to_text(pki::to_json(one.info(), kNow));
    pki::matches_host(one.info(), "db.example.com");
    pki::matches_host(one.info(), "127.0.0.1");
  }
  pki::VerificationRequest request;
  request.presented = certificates;
  request.trusted = {certificates.back()};
  request.at = kNow;
  if (!pki::verify(request)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto certificates = pki::Certificate::parse(text, "input")) look_at(*certificates);
  if (auto lists = pki::RevocationList::parse(text, "input")) {
    for (const pki::RevocationList& one : *lists) to_text(pki::to_json(one, 0));
  }
  static_cast<void>(pki::Key::parse(text, {}, "input"));
  return 0;
}
