#include "pki/hierarchy.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/file.h"
#include "pki/key_file.h"

namespace sallyport::pki {
namespace {

constexpr std::string_view kAuthorityNames[] = {"root", "intermediate"};

bool exists(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0;
}

Result<Certificate> load_first(const std::string& path) {
  auto loaded = Certificate::load(path);
  if (!loaded) return fail(loaded.error());
  return loaded->front();
}

}  // namespace

Result<Chain> parse_chain(std::string_view word) {
  for (Chain chain : {Chain::intermediate, Chain::root, Chain::self_signed}) {
    if (word == to_word(chain)) return chain;
  }
  return fail("pki.chain", Side::config, fmt::format("unknown chain `{}`", word),
              "Use intermediate, root or self-signed");
}

std::string_view to_word(Chain chain) {
  switch (chain) {
    case Chain::intermediate:
      return "intermediate";
    case Chain::root:
      return "root";
    case Chain::self_signed:
      break;
  }
  return "self-signed";
}

Result<Hierarchy> Hierarchy::open(const std::string& directory) {
  Hierarchy out;
  out.directory_ = directory;
  bool has_root = exists(out.path("root.crt"));
  bool has_intermediate = exists(out.path("intermediate.crt"));
  if (!has_root && has_intermediate) {
    return fail("pki.no_hierarchy", Side::config,
                fmt::format("{} has an intermediate.crt and no root.crt", directory),
                "Put the root certificate there (its key may stay elsewhere)");
  }
  for (std::string_view name : kAuthorityNames) {
    if (name == "root" ? !has_root : !has_intermediate) continue;
    auto certificate = load_first(out.path(fmt::format("{}.crt", name)));
    if (!certificate) return fail(certificate.error());
    out.authorities_.push_back(std::move(*certificate));
  }
  if (has_intermediate && !out.authorities_[1].issued_by(out.authorities_[0])) {
    return fail("pki.no_hierarchy", Side::config,
                fmt::format("in {}, intermediate.crt was not signed by root.crt", directory),
                "Put the root that signed it there");
  }
  if (has_root) {
    out.chain_ = has_intermediate ? Chain::intermediate : Chain::root;
    return out;
  }
  if (!exists(out.path("server.crt")) && !exists(out.path("client.crt"))) {
    return fail("pki.no_hierarchy", Side::config,
                fmt::format("{} holds no certificate hierarchy", directory),
                "Make one with `sallyport pki init`, or name its directory with --dir");
  }
  for (const char* file : {"server.crt", "client.crt"}) {
    if (!exists(out.path(file))) continue;
    auto leaf = load_first(out.path(file));
    if (!leaf) return fail(leaf.error());
    if (leaf->info().self_signed) continue;
    return fail("pki.no_hierarchy", Side::config,
                fmt::format("{} was signed by {}, and there is no root.crt", out.path(file),
                            leaf->info().issuer),
                "Put the certificates of its authorities there: root.crt, and intermediate.crt if "
                "there is one");
  }
  out.chain_ = Chain::self_signed;
  return out;
}

std::string Hierarchy::path(std::string_view file) const {
  return fmt::format("{}/{}", directory_, file);
}

std::string Hierarchy::trust_for_gateway() const {
  if (chain_ == Chain::self_signed) return path("server.crt");
  return path(chain_ == Chain::root ? "root.crt" : "chain.crt");
}

std::string Hierarchy::trust_for_server() const {
  return chain_ == Chain::self_signed ? path("client.crt") : trust_for_gateway();
}

std::string_view Hierarchy::authority_name(size_t position) const {
  return kAuthorityNames[position];
}

Result<Authority> Hierarchy::authority(size_t position, const PassphraseSource& passphrase) const {
  auto key = load_key(path(fmt::format("{}.key", authority_name(position))), passphrase);
  if (!key) return fail(key.error());
  return Authority{authorities_[position], std::move(*key)};
}

Result<std::optional<Authority>> Hierarchy::signer(const PassphraseSource& passphrase) const {
  if (authorities_.empty()) return std::nullopt;
  auto last = authority(authorities_.size() - 1, passphrase);
  if (!last) return fail(last.error());
  return std::optional(std::move(*last));
}

}  // namespace sallyport::pki
