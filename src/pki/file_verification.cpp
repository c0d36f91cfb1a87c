#include "pki/file_verification.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/clock.h"
#include "pki/crl_directory.h"
#include "pki/hierarchy.h"
#include "pki/inventory.h"

namespace sallyport::pki {
namespace {

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == path.npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

Result<void> load_into(std::vector<Certificate>& out, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    auto loaded = Certificate::load(file);
    if (!loaded) return fail(loaded.error());
    out.insert(out.end(), loaded->begin(), loaded->end());
  }
  return {};
}

// What the other side would trust, when the caller does not say.
Result<std::vector<std::string>> default_trust(const std::string& file, const Certificate& leaf) {
  auto hierarchy = Hierarchy::open(directory_of(file));
  if (hierarchy && hierarchy->chain() != Chain::self_signed) {
    return std::vector{hierarchy->trust_for_gateway()};
  }
  if (leaf.info().self_signed) return std::vector{file};
  return fail("pki.no_trust", Side::config,
              fmt::format("there is no authority beside {} to verify it against", file),
              "Name the trust file with --trusted");
}

}  // namespace

Result<FileVerification> verify_file(const FileVerificationOptions& options) {
  VerificationRequest request;
  auto presented = Certificate::load(options.file);
  if (!presented) return fail(presented.error());
  request.presented = std::move(*presented);
  const CertificateInfo& leaf = request.presented.front().info();

  FileVerification out;
  out.trusted = options.trusted;
  if (out.trusted.empty()) {
    auto trusted = default_trust(options.file, request.presented.front());
    if (!trusted) return fail(trusted.error());
    out.trusted = *trusted;
  }
  if (auto loaded = load_into(request.trusted, out.trusted); !loaded) return fail(loaded.error());
  if (auto loaded = load_into(request.untrusted, options.untrusted); !loaded) {
    return fail(loaded.error());
  }
  for (const std::string& path : options.crls) {
    auto lists = load_crls(path);
    if (!lists) return fail(lists.error());
    request.crls.insert(request.crls.end(), lists->begin(), lists->end());
  }
  request.check_crl = !options.crls.empty();
  out.purpose = options.purpose != Purpose::any ? options.purpose : purpose_of(leaf, options.file);
  request.purpose = out.purpose;
  request.host = options.host;
  request.max_depth = options.max_depth;
  request.strict = options.strict;
  auto verified = verify(request);
  if (!verified) return fail(verified.error());
  out.result = std::move(*verified);
  for (size_t i = 0; i < out.result.chain.size(); ++i) {
    const CertificateInfo& info = out.result.chain[i].info();
    for (Finding& finding : findings(info, i == 0 ? out.purpose : Purpose::any, unix_seconds())) {
      out.findings.emplace_back(info.subject, std::move(finding));
    }
  }
  return out;
}

}  // namespace sallyport::pki
