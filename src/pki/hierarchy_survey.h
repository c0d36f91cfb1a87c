// What a directory holds of the hierarchy that is to be made in it, and whether the rest can be
// added: after an interrupted run, or beside an authority that was there before. Blocking; under
// the directory lock.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "pki/hierarchy.h"

namespace sallyport::pki {

// Every file that a hierarchy of any kind may have.
inline constexpr std::array kHierarchyFiles = {"root.key",          "root.crt",
                                               "intermediate.key",  "intermediate.crt",
                                               "server.key",        "server.crt",
                                               "client.key",        "client.crt",
                                               "chain.crt",         "root.crl",
                                               "intermediate.crl",  "chain.crl",
                                               "root.revoked.json", "intermediate.revoked.json"};

// One key and its certificate.
struct Slot {
  std::string name;  // base of the file names
  Role role;
  int issuer;  // index of its slot; -1: self-signed
  std::optional<Key> key;
  std::optional<Certificate> certificate;
  bool new_key = false;
  bool new_certificate = false;

  bool is_authority() const { return role == Role::root || role == Role::intermediate; }
};

// The empty slots of a kind, issuers first.
std::vector<Slot> slots_of(Chain chain);

class HierarchySurvey {
 public:
  HierarchySurvey(std::string directory, Chain chain, Secret passphrase);

  // Fills `slots` with what is there. Errors: "pki.exists", naming what is there and every reason
  // why it cannot be completed, or that it is complete.
  Result<void> look(std::vector<Slot>& slots);

 private:
  std::string path(std::string_view file) const;
  void look_at(Slot& slot, bool has_key, bool has_certificate);
  void check_issuer(const Slot& slot);
  void check_foreign_files();
  void check_chain_file();
  bool complete() const;
  Error already_there() const;

  std::string directory_;
  Chain chain_;
  Secret passphrase_;
  std::vector<Slot>* slots_ = nullptr;
  std::vector<std::string> problems_;
};

}  // namespace sallyport::pki
