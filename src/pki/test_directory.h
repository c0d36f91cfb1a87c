// A directory of its own for one test, and what tests look at in it. Tests only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "pki/hierarchy.h"
#include "pki/key_file.h"

namespace sallyport::pki {

class TestDirectory : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sallyport-pki-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string at(const std::string& name) const { return directory_ + "/" + name; }
  bool has(const std::string& name) const { return std::filesystem::exists(at(name)); }
  std::string content(const std::string& name) const {
    return read_file(at(name)).value_or("(missing)");
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::trunc) << text;
  }
  uint32_t mode(const std::string& name) const {
    struct stat status{};
    stat(at(name).c_str(), &status);
    return status.st_mode & 07777;
  }
  std::vector<Certificate> load(const std::string& name) const {
    return Certificate::load(at(name)).value_or(std::vector<Certificate>());
  }
  Certificate leaf(const std::string& name) const { return load(name).at(0); }

  HierarchyOptions options(Chain chain) const {
    HierarchyOptions out;
    out.chain = chain;
    out.directory = directory_;
    out.server_names = {"db.test", "127.0.0.1"};
    return out;
  }
  Hierarchy open() const { return Hierarchy::open(directory_).value(); }

  PassphraseSource no_passphrase_ = fixed_passphrase({});
  std::string directory_;
};

}  // namespace sallyport::pki
