#include "pki/inventory.h"

#include <algorithm>

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "pki/calendar.h"
#include "pki/hierarchy.h"
#include "pki/key_file.h"

namespace sallyport::pki {
namespace {

using Weight = Finding::Weight;

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == path.npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

bool is_directory(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> out;
  DIR* listing = opendir(directory.c_str());
  if (listing == nullptr) return out;
  while (const dirent* entry = readdir(listing)) {
    std::string_view name = entry->d_name;
    if (name.starts_with('.')) continue;
    for (std::string_view suffix : {".crt", ".pem", ".crl", ".key"}) {
      if (name.ends_with(suffix)) out.push_back(directory + "/" + std::string(name));
    }
  }
  closedir(listing);
  std::ranges::sort(out);
  return out;
}

class Taking {
 public:
  explicit Taking(int64_t now) : now_(now) {}

  Inventory take(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      if (!is_directory(path)) {
        look_at(path);
        continue;
      }
      std::vector<std::string> files = files_in(path);
      if (files.empty()) {
        out_.errors.push_back({"pki.nothing",
                               Side::config,
                               Retry::never,
                               path + " holds no .crt, .pem, .crl or .key file",
                               {}});
      }
      for (const std::string& file : files) look_at(file);
    }
    add_neighbours(paths);
    for (InventoryCertificate& one : out_.certificates) judge(one);
    return std::move(out_);
  }

 private:
  void look_at(const std::string& path) {
    constexpr size_t kMostBytes = 64u << 20;
    auto text = read_file(path, kMostBytes);
    if (!text) {
      out_.errors.push_back(text.error());
      return;
    }
    bool key = text->find("PRIVATE KEY-----") != text->npos;
    bool list = text->find("-----BEGIN X509 CRL") != text->npos;
    bool certificate = text->find("-----BEGIN CERTIFICATE-----") != text->npos ||
                       text->find("-----BEGIN TRUSTED CERTIFICATE-----") != text->npos;
    if (key) look_at_key(path, *text, certificate);
    if (list) look_at_lists(path, *text);
    if (certificate || (!key && !list)) look_at_certificates(path, *text);
  }

  void look_at_certificates(const std::string& path, std::string_view text) {
    auto loaded = Certificate::parse(text, path);
    if (!loaded) {  // a DER revocation list, perhaps
      if (auto lists = RevocationList::parse(text, path)) {
        look_at_lists(path, text);
      } else {
        out_.errors.push_back(loaded.error());
      }
      return;
    }
    for (size_t i = 0; i < loaded->size(); ++i) add((*loaded)[i], path, i == 0, true);
  }

  void add(const Certificate& certificate, const std::string& path, bool first, bool asked_for) {
    std::string file = base_name(path);
    if (file == "chain.crt") first = false;  // a copy of what has a file of its own
    auto known =
        std::ranges::find(out_.certificates, certificate, &InventoryCertificate::certificate);
    if (known == out_.certificates.end()) {
      out_.certificates.push_back(
          {certificate, {file}, first, asked_for, purpose_of(certificate.info(), file), {}});
      return;
    }
    if (first && !known->leads_file) {
      known->files = {file};
      known->leads_file = true;
      known->purpose = purpose_of(certificate.info(), file);
    } else if (first) {
      known->files.push_back(file);
    }
  }

  void look_at_lists(const std::string& path, std::string_view text) {
    auto loaded = RevocationList::parse(text, path);
    if (!loaded) {
      out_.errors.push_back(loaded.error());
      return;
    }
    for (const RevocationList& list : *loaded) {
      auto known = std::ranges::find_if(
          out_.lists, [&](const InventoryList& other) { return other.list.pem() == list.pem(); });
      if (known != out_.lists.end()) {
        known->files.push_back(base_name(path));
        continue;
      }
      InventoryList one{list, {base_name(path)}, {}};
      if (list.next_update() != 0 && list.next_update() < now_) {
        one.findings.push_back({"crl_expired", Weight::fault,
                                fmt::format("is out of date since {}: everyone with a certificate "
                                            "of this authority is locked out",
                                            date_and_time(list.next_update())),
                                "sallyport pki crl"});
      } else if (list.next_update() != 0 && list.next_update() - now_ < int64_t{7} * 86400) {
        one.findings.push_back({"crl_expires_soon", Weight::warning,
                                "has to be made anew before " + date_and_time(list.next_update()),
                                "sallyport pki crl"});
      }
      out_.lists.push_back(std::move(one));
    }
  }

  void look_at_key(const std::string& path, std::string_view text, bool with_certificate) {
    InventoryKey key;
    key.file = base_name(path);
    key.encrypted = is_encrypted_key(text);
    struct stat status{};
    if (stat(path.c_str(), &status) == 0) key.mode = status.st_mode & 0777;
    if (with_certificate) {
      key.findings.push_back({"key_in_certificate_file", Weight::fault,
                              "is in one file with certificates, which are often readable by all",
                              "keep the key in a file of its own"});
    } else if (key_mode(path) != key.mode) {
      key.findings.push_back(
          {"key_mode", Weight::fault,
           fmt::format("has mode {:04o}: PostgreSQL and libpq refuse it", key.mode),
           "chmod 0600 " + path});
    }
    if (!key.encrypted) {
      auto parsed = Key::parse(text, {}, path);
      if (parsed) {
        key.kind = parsed->describe();
        check_pair(path, *parsed, key);
      } else {
        key.findings.push_back({"key_unreadable", Weight::fault, parsed.error().detail, {}});
      }
    }
    out_.keys.push_back(std::move(key));
  }

  void check_pair(const std::string& path, const Key& key, InventoryKey& out) {
    if (!path.ends_with(".key")) return;
    std::string certificate = path.substr(0, path.size() - 4) + ".crt";
    auto loaded = Certificate::load(certificate);
    if (!loaded || loaded->front().public_key().matches(key)) return;
    bool later = std::ranges::any_of(
        *loaded, [&](const Certificate& one) { return one.public_key().matches(key); });
    if (later) {
      out.findings.push_back({"leaf_not_first", Weight::fault,
                              fmt::format("belongs to a certificate of {} that is not the first: "
                                          "PostgreSQL and libpq refuse the pair",
                                          base_name(certificate)),
                              "sallyport pki renew"});
      return;
    }
    out.findings.push_back({"key_mismatch", Weight::fault,
                            "does not belong to " + base_name(certificate),
                            "look for the right key in backup/, or sallyport pki renew --new-key"});
  }

  // The authorities beside a file, so that its chain can be drawn to the root.
  void add_neighbours(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      std::string directory = is_directory(path) ? path : directory_of(path);
      if (auto hierarchy = Hierarchy::open(directory)) {
        for (const Certificate& one : hierarchy->authorities()) {
          use_neighbour(one, hierarchy->authorities());
        }
        for (size_t i = 0; i < hierarchy->authorities().size(); ++i) {
          std::string file = fmt::format("{}/{}.crl", directory, hierarchy->authority_name(i));
          if (auto lists = RevocationList::load(file)) {
            known_lists_.insert(known_lists_.end(), lists->begin(), lists->end());
          }
        }
      }
    }
    for (const InventoryList& one : out_.lists) known_lists_.push_back(one.list);
  }

  void use_neighbour(const Certificate& authority, const std::vector<Certificate>& pool) {
    std::vector<Certificate> held;
    for (const InventoryCertificate& one : out_.certificates) held.push_back(one.certificate);
    if (std::ranges::find(held, authority) != held.end()) return;
    bool needed = std::ranges::any_of(held, [&](const Certificate& one) {
      std::vector<Certificate> chain = build_chain(one, pool);
      return std::ranges::find(chain, authority) != chain.end();
    });
    if (needed) add(authority, "", false, false);
  }

  void judge(InventoryCertificate& one) {
    one.findings = findings(one.certificate.info(), one.purpose, now_);
    for (const RevocationList& list : known_lists_) {
      auto revoked = list.find(one.certificate.info().serial);
      if (!revoked || !is_from_issuer(list, one.certificate)) continue;
      std::string reason = revoked->reason.empty() ? "" : " (" + revoked->reason + ")";
      one.findings.insert(one.findings.begin(),
                          {"revoked",
                           Weight::fault,
                           fmt::format("was revoked on {}{}", date(revoked->revoked_at), reason),
                           {}});
      return;
    }
  }

  bool is_from_issuer(const RevocationList& list, const Certificate& certificate) const {
    return std::ranges::any_of(out_.certificates, [&](const InventoryCertificate& other) {
      return certificate.issued_by(other.certificate) && list.signed_by(other.certificate);
    });
  }

  int64_t now_;
  Inventory out_;
  std::vector<RevocationList> known_lists_;
};

std::string_view to_word(Weight weight) {
  return weight == Weight::fault ? "fault" : weight == Weight::warning ? "warning" : "note";
}

Json to_json(const std::vector<Finding>& list) {
  Json out = Json::array();
  for (const Finding& one : list) {
    out.push_back({{"id", one.id},
                   {"weight", to_word(one.weight)},
                   {"text", one.text},
                   {"remedy", one.remedy}});
  }
  return out;
}

}  // namespace

Purpose purpose_of(const CertificateInfo& info, std::string_view file) {
  std::string name = base_name(file);
  bool server = name.starts_with("server");
  bool client = name.starts_with("client");
  if (info.ca && !server && !client) return Purpose::any;
  if (info.has_extended_key_usage && info.server_auth != info.client_auth) {
    return info.server_auth ? Purpose::server : Purpose::client;
  }
  return server ? Purpose::server : client ? Purpose::client : Purpose::any;
}

Inventory take_inventory(const std::vector<std::string>& paths, int64_t now) {
  return Taking(now).take(paths);
}

Json to_json(const Inventory& inventory, int64_t now) {
  Json out = {{"certificates", Json::array()},
              {"revocation_lists", Json::array()},
              {"keys", Json::array()},
              {"errors", Json::array()}};
  for (const InventoryCertificate& one : inventory.certificates) {
    if (!one.asked_for) continue;
    Json entry = {{"files", one.files}};
    entry.update(to_json(one.certificate.info(), now));
    entry["findings"] = to_json(one.findings);
    out["certificates"].push_back(std::move(entry));
  }
  for (const InventoryList& one : inventory.lists) {
    Json entry = {{"files", one.files}};
    entry.update(to_json(one.list, now));
    entry["findings"] = to_json(one.findings);
    out["revocation_lists"].push_back(std::move(entry));
  }
  for (const InventoryKey& one : inventory.keys) {
    out["keys"].push_back({{"file", one.file},
                           {"kind", one.kind},
                           {"encrypted", one.encrypted},
                           {"mode", fmt::format("{:04o}", one.mode)},
                           {"findings", to_json(one.findings)}});
  }
  for (const Error& error : inventory.errors) {
    out["errors"].push_back({{"code", error.code}, {"detail", error.detail}});
  }
  return out;
}

}  // namespace sallyport::pki
