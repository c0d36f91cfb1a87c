#include "pki/hierarchy_survey.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "pki/key_file.h"

namespace sallyport::pki {
namespace {

bool exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

}  // namespace

std::vector<Slot> slots_of(Chain chain) {
  switch (chain) {
    case Chain::intermediate:
      return {{"root", Role::root, -1, {}, {}},
              {"intermediate", Role::intermediate, 0, {}, {}},
              {"server", Role::server, 1, {}, {}},
              {"client", Role::client, 1, {}, {}}};
    case Chain::root:
      return {{"root", Role::root, -1, {}, {}},
              {"server", Role::server, 0, {}, {}},
              {"client", Role::client, 0, {}, {}}};
    case Chain::self_signed:
      break;
  }
  return {{"server", Role::server, -1, {}, {}}, {"client", Role::client, -1, {}, {}}};
}

HierarchySurvey::HierarchySurvey(std::string directory, Chain chain, Secret passphrase)
    : directory_(std::move(directory)), chain_(chain), passphrase_(std::move(passphrase)) {}

std::string HierarchySurvey::path(std::string_view file) const {
  return fmt::format("{}/{}", directory_, file);
}

Result<void> HierarchySurvey::look(std::vector<Slot>& slots) {
  slots_ = &slots;
  bool above_missing = false;
  for (Slot& slot : slots) {
    bool has_key = exists(path(slot.name + ".key"));
    bool has_certificate = exists(path(slot.name + ".crt"));
    if (has_key || has_certificate) look_at(slot, has_key, has_certificate);
    if (has_certificate && above_missing && slot.issuer >= 0) {
      problems_.push_back(slot.name + ".crt is there without the authority that signed it");
    }
    if (slot.is_authority() && !has_certificate) above_missing = true;
  }
  check_foreign_files();
  check_chain_file();
  if (problems_.empty() && complete()) problems_.emplace_back("it is complete");
  if (!problems_.empty()) return fail(already_there());
  return {};
}

void HierarchySurvey::look_at(Slot& slot, bool has_key, bool has_certificate) {
  if (has_key) {
    std::string file = path(slot.name + ".key");
    auto key = load_key(file, fixed_passphrase(passphrase_));
    // A key that stays closed is no obstacle where nothing is to be signed with it.
    if (key) {
      slot.key = *key;
    } else if (!has_certificate || key.error().code != "pki.key_encrypted") {
      problems_.push_back(key.error().detail);
    }
  }
  if (!has_certificate) return;
  auto loaded = Certificate::load(path(slot.name + ".crt"));
  if (!loaded) {
    problems_.push_back(loaded.error().detail);
    return;
  }
  slot.certificate = loaded->front();
  if (!has_key && !slot.is_authority()) {
    problems_.push_back(slot.name + ".crt is there without its key");
  }
  if (slot.key && !slot.certificate->public_key().matches(*slot.key)) {
    problems_.push_back(fmt::format("{0}.key and {0}.crt do not belong together", slot.name));
  }
  check_issuer(slot);
}

void HierarchySurvey::check_issuer(const Slot& slot) {
  if (slot.issuer < 0) {
    if (!slot.certificate->info().self_signed) {
      problems_.push_back(slot.name + ".crt is not self-signed");
    }
    return;
  }
  const Slot& issuer = (*slots_)[static_cast<size_t>(slot.issuer)];
  if (issuer.certificate && !slot.certificate->issued_by(*issuer.certificate)) {
    problems_.push_back(fmt::format("{}.crt was not signed by {}.crt", slot.name, issuer.name));
  }
}

void HierarchySurvey::check_foreign_files() {
  for (std::string_view file : {"root.key", "root.crt", "intermediate.key", "intermediate.crt"}) {
    std::string_view base = file.substr(0, file.find('.'));
    bool ours = std::ranges::any_of(*slots_, [&](const Slot& s) { return s.name == base; });
    if (!ours && exists(path(file))) {
      problems_.push_back(
          fmt::format("{} belongs to another kind of hierarchy than {}", file, to_word(chain_)));
    }
  }
}

void HierarchySurvey::check_chain_file() {
  if (chain_ != Chain::intermediate || !exists(path("chain.crt"))) return;
  auto loaded = Certificate::load(path("chain.crt"));
  if (!loaded) {
    problems_.push_back(loaded.error().detail);
    return;
  }
  for (size_t i : {size_t{0}, size_t{1}}) {
    const auto& wanted = (*slots_)[i].certificate;
    if (!wanted || std::ranges::find(*loaded, *wanted) == loaded->end()) {
      problems_.push_back(fmt::format("chain.crt does not hold {}.crt", (*slots_)[i].name));
    }
  }
}

bool HierarchySurvey::complete() const {
  bool all = std::ranges::all_of(*slots_, [](const Slot& s) { return s.certificate.has_value(); });
  return all && (chain_ != Chain::intermediate || exists(path("chain.crt")));
}

Error HierarchySurvey::already_there() const {
  std::vector<std::string> present;
  for (const char* file : kHierarchyFiles) {
    if (exists(path(file))) present.emplace_back(file);
  }
  return {"pki.exists", Side::config, Retry::never,
          fmt::format("{} has {} already: {}", directory_, text::join(present, ", "),
                      text::join(problems_, "; ")),
          "Nothing was changed. Use another --dir, or --force to make a new hierarchy (what is "
          "there is then kept in backup/)"};
}

}  // namespace sallyport::pki
