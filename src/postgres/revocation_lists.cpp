#include "postgres/revocation_lists.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <openssl/pem.h>

#include "postgres/certificate_facts.h"
#include "postgres/content_cache.h"
#include "postgres/known_file.h"
#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

struct CrlStackFree {
  void operator()(STACK_OF(X509_CRL) * stack) const { sk_X509_CRL_pop_free(stack, X509_CRL_free); }
};
using CrlStack = std::unique_ptr<STACK_OF(X509_CRL), CrlStackFree>;

struct Source {
  std::string path;
  std::shared_ptr<const KnownFile> file;
  bool from_directory = false;
};

std::unexpected<Error> bad(std::string_view code, std::string detail, std::string remedy) {
  return fail(code, Side::config, std::move(detail), std::move(remedy));
}

std::string remedy_for(const Source& source) {
  if (source.file->text.starts_with("\x30\x82")) {
    return fmt::format("It is in DER form; convert it: openssl crl -inform der -in {} -out {}.pem",
                       source.path, source.path);
  }
  return "It must hold CRLs in PEM form (-----BEGIN X509 CRL-----)";
}

// Appends the CRLs of one text; how many, or OpenSSL's words.
Result<int> parse_source(const Source& source, STACK_OF(X509_CRL) * out) {
  ERR_clear_error();
  BioHandle bio = memory_bio(source.file->text);
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

// The two settings as the user knows them.
struct Settings {
  std::string file;
  std::string directory;
};

Result<std::vector<Source>> read_sources(const std::string& file, const std::string& directory,
                                         const Settings& settings) {
  std::vector<Source> sources;
  if (!file.empty()) {
    auto content = read_known_file(file);
    if (!content) {
      return bad("conf.pg_ssl_crl",
                 fmt::format("{}: could not read the certificate revocation list file \"{}\": {}",
                             settings.file, file, content.error().detail),
                 "Name a PEM file that the gateway's user can read");
    }
    sources.push_back({file, std::move(*content)});
  }
  if (directory.empty()) return sources;
  auto paths = list_directory(directory);
  if (!paths) {
    return bad("conf.pg_ssl_crl_dir",
               fmt::format("{}: could not read the directory \"{}\": {}", settings.directory,
                           directory, paths.error().detail),
               "Name a directory with CRLs in PEM form");
  }
  for (const std::string& path : *paths) {
    auto content = read_known_file(path);
    if (!content) {
      return bad("conf.pg_ssl_crl_dir",
                 fmt::format("{}: {}", settings.directory, content.error().detail),
                 "The gateway's user must be able to read every file there");
    }
    sources.push_back({path, std::move(*content), true});
  }
  return sources;
}

Result<CrlStack> parse_sources(const std::vector<Source>& sources, const Settings& settings) {
  CrlStack stack(sk_X509_CRL_new_null());
  for (const Source& source : sources) {
    auto found = parse_source(source, stack.get());
    if (found && (*found > 0 || source.from_directory)) continue;
    return bad(source.from_directory ? "conf.pg_ssl_crl_dir" : "conf.pg_ssl_crl",
               fmt::format("{}: could not read the certificate revocation list file \"{}\": {}",
                           source.from_directory ? settings.directory : settings.file, source.path,
                           found ? "no CRL found" : found.error().detail),
               remedy_for(source));
  }
  return stack;
}

std::optional<int64_t> earliest_update(const STACK_OF(X509_CRL) * stack) {
  std::optional<int64_t> earliest;
  for (int i = 0; i < sk_X509_CRL_num(stack); ++i) {
    const ASN1_TIME* next = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(stack, i));
    if (next != nullptr) earliest = std::min(earliest.value_or(INT64_MAX), unix_time(next));
  }
  return earliest;
}

}  // namespace

struct RevocationLists::Parsed {
  CrlStack stack;
  std::optional<int64_t> next_update;
};

Result<RevocationLists> RevocationLists::load(const std::string& file, const std::string& directory,
                                              const std::string& prefix) {
  if (file.empty() && directory.empty()) return RevocationLists();
  Settings settings{prefix + "ssl_crl", prefix + "ssl_crl_dir"};
  auto sources = read_sources(file, directory, settings);
  if (!sources) return fail(sources.error());

  ContentHash hash;
  for (const Source& source : *sources) hash.add(source.file->hash);
  static ContentCache<Parsed> cache;
  if (auto parsed = cache.find(hash.value())) return RevocationLists(std::move(parsed));

  auto stack = parse_sources(*sources, settings);
  if (!stack) return fail(stack.error());
  if (sk_X509_CRL_num(stack->get()) == 0) {
    return bad("conf.pg_ssl_crl_dir",
               fmt::format("{}: no file in \"{}\" holds a CRL", settings.directory, directory),
               "Put the CRL of every CA of the server's chain there, in PEM form");
  }
  auto fresh = std::make_shared<Parsed>();
  fresh->stack = std::move(*stack);
  fresh->next_update = earliest_update(fresh->stack.get());
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
