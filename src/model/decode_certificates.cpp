#include "base/json.h"
#include "model/certificates.h"
#include "model/row_reader.h"

namespace sallyport::model {
namespace {

void read_secret(RowReader& row, const char* field, Secret& out) {
  std::string text;
  row.text(field, text);
  out = Secret(std::move(text));
}

}  // namespace

bool Certificate::operator==(const Certificate& other) const {
  return id == other.id && cert == other.cert && cert_alt == other.cert_alt &&
         key.equals(other.key.reveal()) && key_alt.equals(other.key_alt.reveal());
}

Result<Certificate> decode_certificate(const Json& json) {
  RowReader row(json);
  Certificate out;
  row.text("id", out.id);
  row.text("cert", out.cert);
  if (out.cert.empty()) row.blame("cert");
  read_secret(row, "key", out.key);
  if (out.key.empty()) row.blame("key");
  row.text("cert_alt", out.cert_alt);
  read_secret(row, "key_alt", out.key_alt);
  if (auto fine = row.verdict("certificates", out.id); !fine) return fail(fine.error());
  return out;
}

Result<Sni> decode_sni(const Json& json) {
  RowReader row(json);
  Sni out;
  row.text("id", out.id);
  row.text("name", out.name);
  if (out.name.empty()) row.blame("name");
  row.reference("certificate", out.certificate_id);
  if (auto fine = row.verdict("snis", out.id); !fine) return fail(fine.error());
  return out;
}

Result<CaCertificate> decode_ca_certificate(const Json& json) {
  RowReader row(json);
  CaCertificate out;
  row.text("id", out.id);
  row.text("cert", out.cert);
  if (out.cert.empty()) row.blame("cert");
  if (auto fine = row.verdict("ca_certificates", out.id); !fine) return fail(fine.error());
  return out;
}

}  // namespace sallyport::model
