#include "postgres/trust_anchors.h"

#include <array>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "postgres/certificate_facts.h"
#include "postgres/content_cache.h"
#include "postgres/known_file.h"
#include "postgres/openssl_handles.h"

namespace sallyport::postgres {

struct TrustAnchors::Parsed {
  X509StoreHandle store;
  std::vector<X509Handle> certificates;
};

namespace {

constexpr std::string_view kSetting = "lua_ssl_trusted_certificate";
constexpr std::string_view kCode = "conf.lua_ssl_trusted_certificate";

// One item with its PEM text. `label` names it in messages: a path, or "item 2".
struct Source {
  std::string label;
  std::shared_ptr<const KnownFile> file;

  const std::string& pem() const { return file->text; }
};

Source source_of_text(size_t number, std::string pem) {
  auto file = std::make_shared<KnownFile>();
  file->text = std::move(pem);
  ContentHash hash;
  hash.add(file->text);
  file->hash = hash.value();
  return {fmt::format("item {}", number), std::move(file)};
}

std::unexpected<Error> bad(std::string detail, std::string remedy) {
  return fail(kCode, Side::config, fmt::format("{}: {}", kSetting, detail), std::move(remedy));
}

bool looks_like_pem(std::string_view text) {
  return text.contains("-----BEGIN ");
}
bool looks_like_der(std::string_view text) {
  return text.starts_with("\x30\x82");
}

Result<Source> read_source_file(const std::string& path) {
  auto content = read_known_file(path);
  if (content) return Source{path, std::move(*content)};
  if (content.error().code == "file.missing") {
    return bad(fmt::format("root certificate file \"{}\" does not exist", path),
               "Name an existing PEM file, or `system`");
  }
  return bad(
      fmt::format("could not read root certificate file \"{}\": {}", path, content.error().detail),
      "Name a PEM file that the gateway's user can read");
}

// Nothing for a `system` that this machine does not have.
Result<std::optional<Source>> read_item(const std::string& item, size_t number) {
  if (looks_like_pem(item)) return source_of_text(number, item);
  if (item == "system") {
    std::string path = system_trust_file();
    if (path.empty()) {
      log::info("{}: no certificate bundle of the system found", kSetting);
      return std::nullopt;
    }
    auto source = read_source_file(path);
    if (!source) return fail(source.error());
    return std::move(*source);
  }
  if (access(item.c_str(), F_OK) != 0) {
    auto decoded = text::from_base64(item);
    if (decoded && looks_like_pem(*decoded)) {
      return source_of_text(number, std::move(*decoded));
    }
  }
  auto source = read_source_file(item);
  if (!source) return fail(source.error());
  return std::move(*source);
}

int refuse_pass_phrase(char*, int, int, void*) {
  return -1;
}

struct InfoStackFree {
  void operator()(STACK_OF(X509_INFO) * stack) const {
    sk_X509_INFO_pop_free(stack, X509_INFO_free);
  }
};

Result<void> parse_source(const Source& source, std::vector<X509Handle>& out) {
  ERR_clear_error();
  BioHandle bio = memory_bio(source.pem());
  std::unique_ptr<STACK_OF(X509_INFO), InfoStackFree> infos(
      PEM_X509_INFO_read_bio(bio.get(), nullptr, refuse_pass_phrase, nullptr));
  std::string reason = infos ? "no certificate or crl found" : last_openssl_error();
  size_t before = out.size();
  for (int i = 0; infos && i < sk_X509_INFO_num(infos.get()); ++i) {
    X509_INFO* info = sk_X509_INFO_value(infos.get(), i);
    if (info->x509 != nullptr) {
      X509_up_ref(info->x509);
      out.emplace_back(info->x509);
    }
    if (info->x_pkey != nullptr || info->enc_data != nullptr) {
      log::warn("{}: {} holds a private key; it does not belong there", kSetting, source.label);
    }
  }
  ERR_clear_error();
  if (infos && out.size() > before) return {};
  return bad(
      fmt::format("could not read root certificate file \"{}\": {}", source.label, reason),
      looks_like_der(source.pem())
          ? fmt::format("It is in DER form; convert it: openssl x509 -inform der -in {} -out "
                        "{}.pem",
                        source.label, source.label)
          : "It must hold certificates in PEM form (-----BEGIN CERTIFICATE-----)");
}

}  // namespace

Result<TrustAnchors> TrustAnchors::load(const std::vector<std::string>& items) {
  std::vector<Source> sources;
  ContentHash hash;
  for (size_t i = 0; i < items.size(); ++i) {
    std::string item(text::trim(items[i]));
    if (item.empty()) continue;
    auto source = read_item(item, i + 1);
    if (!source) return fail(source.error());
    if (!*source) continue;
    hash.add((*source)->file->hash);
    sources.push_back(std::move(**source));
  }
  if (sources.empty()) {
    return bad("it names no certificate", "Name the CA of the server's certificate");
  }

  static ContentCache<Parsed> cache;
  auto parsed = cache.find(hash.value());
  if (parsed) return TrustAnchors(std::move(parsed));

  auto fresh = std::make_shared<Parsed>();
  for (const Source& source : sources) {
    if (auto good = parse_source(source, fresh->certificates); !good) return fail(good.error());
  }
  fresh->store.reset(X509_STORE_new());
  for (const X509Handle& certificate : fresh->certificates) {
    if (!fresh->store || X509_STORE_add_cert(fresh->store.get(), certificate.get()) != 1) {
      return bad("cannot build the store: " + last_openssl_error(), "");
    }
  }
  cache.keep(hash.value(), fresh);
  return TrustAnchors(std::move(fresh));
}

size_t TrustAnchors::size() const {
  return parsed_ ? parsed_->certificates.size() : 0;
}

std::vector<CertificateFacts> TrustAnchors::facts() const {
  std::vector<CertificateFacts> facts;
  if (!parsed_) return facts;
  for (const X509Handle& certificate : parsed_->certificates) {
    facts.push_back(certificate_facts(certificate.get()));
  }
  return facts;
}

x509_store_st* TrustAnchors::store() const {
  return parsed_ ? parsed_->store.get() : nullptr;
}

std::string system_trust_file() {
  // Where the distributions keep it, in Kong's order.
  constexpr std::array kPaths = {
      "/etc/ssl/certs/ca-certificates.crt",
      "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem",
      "/etc/pki/tls/cacert.pem",
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
      "/etc/ssl/cert.pem",
  };
  for (const char* path : kPaths) {
    struct stat status;
    if (stat(path, &status) == 0) return path;
  }
  return {};
}

}  // namespace sallyport::postgres
