#include "postgres/revocation_lists.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "postgres/certificate_facts.h"
#include "postgres/content_cache.h"
#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

struct CrlStackFree {
  void operator()(STACK_OF(X509_CRL) * stack) const { sk_X509_CRL_pop_free(stack, X509_CRL_free); }
};
using CrlStack = std::unique_ptr<STACK_OF(X509_CRL), CrlStackFree>;

struct Source {
  std::string path;
  std::string pem;
  bool from_directory = false;
};

std::unexpected<Error> bad(std::string_view code, std::string detail, std::string remedy) {
  return fail(code, Side::config, std::move(detail), std::move(remedy));
}

std::string remedy_for(const Source& source) {
  if (source.pem.starts_with("\x30\x82")) {
    return fmt::format("It is in DER form; convert it: openssl crl -inform der -in {} -out {}.pem",
                       source.path, source.path);
  }
  return "It must hold CRLs in PEM form (-----BEGIN X509 CRL-----)";
}

// Appends the CRLs of one text; how many, or OpenSSL's words.
Result<int> parse_source(const Source& source, STACK_OF(X509_CRL) * out) {
  ERR_clear_error();
  BioHandle bio = memory_bio(source.pem);
  int found = 0;
  while (X509_CRL* crl = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)) {
    if (sk_X509_CRL_push(out, crl) == 0) X509_CRL_free(crl);
    ++found;
  }
  int reason = ERR_GET_REASON(ERR_peek_last_error());
  if (reason == PEM_R_NO_START_LINE) ERR_clear_error();
  if (reason != PEM_R_NO_START_LINE) return fail("crl", Side::config, last_openssl_error());
  return found;
}

// Regular files only: `openssl rehash` makes links to them, and both name the same CRL.
Result<std::vector<std::string>> list_directory(const std::string& directory) {
  constexpr size_t kMostFiles = 10'000;
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_regular_file(ignored)) paths.push_back(entries->path().string());
    if (paths.size() > kMostFiles) return fail("crl", Side::config, "too many files");
  }
  if (error) return fail("crl", Side::config, error.message());
  std::ranges::sort(paths);  // the order of a directory is no content
  return paths;
}

}  // namespace

struct RevocationLists::Parsed {
  CrlStack stack;
  std::optional<int64_t> next_update;
};

Result<RevocationLists> RevocationLists::load(const std::string& file, const std::string& directory,
                                              const std::string& prefix) {
  if (file.empty() && directory.empty()) return RevocationLists();
  std::string file_setting = prefix + "ssl_crl";
  std::string directory_setting = prefix + "ssl_crl_dir";
  std::vector<Source> sources;
  if (!file.empty()) {
    auto content = read_file(file);
    if (!content) {
      return bad("conf.pg_ssl_crl",
                 fmt::format("{}: could not read the certificate revocation list file \"{}\": {}",
                             file_setting, file, content.error().detail),
                 "Name a PEM file that the gateway's user can read");
    }
    sources.push_back({file, std::move(*content)});
  }
  if (!directory.empty()) {
    auto paths = list_directory(directory);
    if (!paths) {
      return bad("conf.pg_ssl_crl_dir",
                 fmt::format("{}: could not read the directory \"{}\": {}", directory_setting,
                             directory, paths.error().detail),
                 "Name a directory with CRLs in PEM form");
    }
    for (const std::string& path : *paths) {
      auto content = read_file(path);
      if (!content) {
        return bad("conf.pg_ssl_crl_dir",
                   fmt::format("{}: {}", directory_setting, content.error().detail), "");
      }
      sources.push_back({path, std::move(*content), true});
    }
  }

  ContentHash hash;
  for (const Source& source : sources) hash.add(source.pem);
  static ContentCache<Parsed> cache;
  if (auto parsed = cache.find(hash.value())) return RevocationLists(std::move(parsed));

  auto fresh = std::make_shared<Parsed>();
  fresh->stack.reset(sk_X509_CRL_new_null());
  for (const Source& source : sources) {
    auto found = parse_source(source, fresh->stack.get());
    if (found && (*found > 0 || source.from_directory)) continue;
    return bad(source.from_directory ? "conf.pg_ssl_crl_dir" : "conf.pg_ssl_crl",
               fmt::format("{}: could not read the certificate revocation list file \"{}\": {}",
                           source.from_directory ? directory_setting : file_setting, source.path,
                           found ? "no CRL found" : found.error().detail),
               remedy_for(source));
  }
  if (sk_X509_CRL_num(fresh->stack.get()) == 0) {
    return bad("conf.pg_ssl_crl_dir",
               fmt::format("{}: no file in \"{}\" holds a CRL", directory_setting, directory),
               "Put the CRL of every CA of the server's chain there, in PEM form");
  }
  for (int i = 0; i < sk_X509_CRL_num(fresh->stack.get()); ++i) {
    const X509_CRL* crl = sk_X509_CRL_value(fresh->stack.get(), i);
    if (X509_CRL_get0_nextUpdate(crl) == nullptr) continue;
    int64_t next = unix_time(X509_CRL_get0_nextUpdate(crl));
    if (!fresh->next_update || next < *fresh->next_update) fresh->next_update = next;
  }
  cache.keep(hash.value(), fresh);
  return RevocationLists(std::move(fresh));
}

size_t RevocationLists::size() const {
  return parsed_ ? static_cast<size_t>(sk_X509_CRL_num(parsed_->stack.get())) : 0;
}

std::optional<int64_t> RevocationLists::next_update() const {
  return parsed_ ? parsed_->next_update : std::nullopt;
}

stack_st_X509_CRL* RevocationLists::stack() const {
  return parsed_ ? parsed_->stack.get() : nullptr;
}

}  // namespace sallyport::postgres
