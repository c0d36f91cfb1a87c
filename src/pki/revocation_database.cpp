#include "pki/revocation_database.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace sallyport::pki {
namespace {

constexpr size_t kLongestSerial = 64;  // hexadecimal digits; RFC 5280 allows 20 octets

bool is_serial(std::string_view text) {
  return !text.empty() && text.size() <= kLongestSerial &&
         text.find_first_not_of("0123456789ABCDEF") == text.npos;
}

std::unexpected<Error> damaged(const std::string& path, std::string_view why) {
  return fail("pki.revocations", Side::config,
              fmt::format("{} {}; a revocation list made without it would take revoked "
                          "certificates back into service",
                          path, why),
              "Restore the file from a backup, or remove it to go on from the CRL beside it");
}

bool read_entry(const Json& entry, RevokedCertificate& out) {
  if (!entry.is_object()) return false;
  auto serial = entry.find("serial");
  auto when = entry.find("revoked_at");
  if (serial == entry.end() || !serial->is_string() || when == entry.end() ||
      !when->is_number_integer()) {
    return false;
  }
  out.serial = serial->get<std::string>();
  out.revoked_at = when->get<int64_t>();
  for (auto [key, field] : {std::pair{"reason", &out.reason}, {"subject", &out.subject}}) {
    auto found = entry.find(key);
    if (found == entry.end()) continue;
    if (!found->is_string()) return false;
    *field = found->get<std::string>();
  }
  return is_serial(out.serial);
}

}  // namespace

Result<RevocationDatabase> RevocationDatabase::load(const std::string& path,
                                                    const std::string& crl_path,
                                                    const Certificate& authority) {
  RevocationDatabase out;
  out.path_ = path;
  auto content = read_file(path);
  if (!content && content.error().code != "file.missing") return fail(content.error());
  if (content) {
    Json json = parse_json(*content);
    if (json.is_discarded() || !json.is_object()) return damaged(path, "is damaged");
    auto number = json.find("crl_number");
    auto revoked = json.find("revoked");
    if (number == json.end() || !number->is_number_integer() || revoked == json.end() ||
        !revoked->is_array()) {
      return damaged(path, "lacks `crl_number` or `revoked`");
    }
    out.crl_number_ = number->get<int64_t>();
    for (const Json& entry : *revoked) {
      RevokedCertificate one;
      if (!read_entry(entry, one)) return damaged(path, "has an entry that cannot be read");
      out.add(one);
    }
  }
  auto lists = RevocationList::load(crl_path);
  if (!lists && lists.error().code != "file.missing") return fail(lists.error());
  if (!lists) return out;
  for (const RevocationList& list : *lists) {
    if (!list.signed_by(authority)) {
      return fail("pki.crl", Side::config,
                  fmt::format("{} was not signed by {}", crl_path, authority.info().subject),
                  "Move it away");
    }
    out.crl_number_ = std::max(out.crl_number_, list.number());
    for (const RevokedCertificate& one : list.revoked()) out.add(one);
  }
  return out;
}

bool RevocationDatabase::add(const RevokedCertificate& revoked) {
  if (find(revoked.serial) != nullptr) return false;
  revoked_.push_back(revoked);
  return true;
}

const RevokedCertificate* RevocationDatabase::find(std::string_view serial) const {
  auto found = std::ranges::find(revoked_, serial, &RevokedCertificate::serial);
  return found == revoked_.end() ? nullptr : &*found;
}

Result<void> RevocationDatabase::save() const {
  Json entries = Json::array();
  for (const RevokedCertificate& one : revoked_) {
    Json entry = {{"serial", one.serial}, {"revoked_at", one.revoked_at}};
    if (!one.reason.empty()) entry["reason"] = one.reason;
    if (!one.subject.empty()) entry["subject"] = one.subject;
    entries.push_back(std::move(entry));
  }
  Json json = {{"crl_number", crl_number_}, {"revoked", std::move(entries)}};
  std::string content = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return write_file_atomically(path_, content, 0644);
}

}  // namespace sallyport::pki
