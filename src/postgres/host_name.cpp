#include "postgres/host_name.h"

#include <cstring>
#include <optional>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"
#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

struct Address {
  unsigned char bytes[16] = {};
  size_t size = 0;
};

std::optional<Address> parse_address(std::string_view host) {
  std::string text(host.substr(0, host.find('%')));  // fe80::1%eth0: the zone is no part of it
  Address address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes) == 1) {
    address.size = 4;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.bytes) == 1) {
    address.size = 16;
    return address;
  }
  return std::nullopt;
}

std::string_view bytes_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<size_t>(ASN1_STRING_length(value))};
}

// RFC 6125 6.4.3: "*.test" is "db.test", not "a.db.test" and not ".test".
bool wildcard_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return false;
  size_t dot = host.find('.');
  if (dot == 0 || dot == std::string_view::npos) return false;
  return text::equals_ignore_case(pattern.substr(1), host.substr(dot));
}

class Matcher {
 public:
  explicit Matcher(std::string_view host) : host_(host), address_(parse_address(host)) {}

  bool is_address() const { return address_.has_value(); }

  bool dns_name(const ASN1_STRING* value) {
    std::string_view name = bytes_of(value);
    examined(std::string(name));
    // A NUL inside is the classic attempt to pass for somebody else.
    if (name.contains('\0')) return false;
    if (text::equals_ignore_case(name, host_)) return true;
    return !is_address() && wildcard_matches(name, host_);
  }

  bool ip_address(const ASN1_STRING* value) {
    std::string_view bytes = bytes_of(value);
    char text[INET6_ADDRSTRLEN] = "(malformed address)";
    if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof text);
    if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
    examined(text);
    return address_ && address_->size == bytes.size() &&
           std::memcmp(address_->bytes, bytes.data(), bytes.size()) == 0;
  }

  std::string mismatch() const {
    if (names_.empty()) return "could not get server's host name from server certificate";
    std::string others;
    if (count_ > 1) {
      size_t more = count_ - 1;
      others = fmt::format(" (and {} other name{})", more, more == 1 ? "" : "s");
    }
    std::string all;
    for (const std::string& name : names_) all += (all.empty() ? "" : ", ") + name;
    return fmt::format("server certificate for \"{}\"{} does not match host name \"{}\"{}",
                       names_.front(), others, host_,
                       names_.size() > 1 ? "; its names: " + all : "");
  }

 private:
  // For messages: without control characters, not endlessly many.
  void examined(std::string name) {
    for (char& c : name) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    ++count_;
    if (names_.size() < 20) names_.push_back(std::move(name));
  }

  std::string_view host_;
  std::optional<Address> address_;
  std::vector<std::string> names_;
  size_t count_ = 0;
};

}  // namespace

HostNameVerdict check_host_name(const x509_st* certificate, std::string_view host) {
  Matcher matcher(host);
  bool matches = false;
  bool look_at_common_name = true;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; !matches && i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == (matcher.is_address() ? GEN_IPADD : GEN_DNS)) look_at_common_name = false;
    if (name->type == GEN_DNS) matches = matcher.dns_name(name->d.dNSName);
    if (name->type == GEN_IPADD) matches = matcher.ip_address(name->d.iPAddress);
  }
  GENERAL_NAMES_free(alternatives);

  if (!matches && look_at_common_name) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index >= 0) {
      matches = matcher.dns_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    }
  }
  return {matches, matches ? "" : matcher.mismatch()};
}

}  // namespace sallyport::postgres
