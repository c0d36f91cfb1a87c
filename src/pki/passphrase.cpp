#include "pki/passphrase.h"

#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "base/file.h"
#include "base/terminal.h"
#include "pki/key_file.h"

namespace sallyport::pki {
namespace {

constexpr size_t kShortest = 8;    // of a new one
constexpr size_t kLongest = 1000;  // OpenSSL's buffer has 1024

std::unexpected<Error> refuse(std::string detail, std::string remedy = {}) {
  return fail("pki.passphrase_source", Side::config, std::move(detail), std::move(remedy));
}

Result<Secret> from_file(const std::string& path) {
  constexpr size_t kMostBytes = 64u << 10;
  auto content = read_file(path, kMostBytes);
  if (!content) return fail(content.error());
  Secret whole(std::move(*content));
  size_t end = whole.reveal().find_first_of("\r\n");
  Secret line(whole.reveal().substr(0, end));
  if (line.empty())
    return refuse(fmt::format("the pass phrase file {} has an empty first line", path));
  if (line.reveal().size() > kLongest) return refuse(path + ": the pass phrase is too long");
  return line;
}

Result<Secret> from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return refuse(fmt::format("the environment variable {} is not set, or empty", name));
  }
  Secret out{std::string(value)};
  if (out.reveal().size() > kLongest) return refuse(name + ": the pass phrase is too long");
  return out;
}

// Asks, and remembers what opened a key for the next one.
class Asking {
 public:
  Result<Secret> operator()(const std::string& path) {
    if (!last_.empty() && opens(path, last_)) return last_;
    constexpr int kAttempts = 3;
    for (int i = 1; i <= kAttempts; ++i) {
      auto answer = ask_secret(fmt::format("Pass phrase for {}: ", path));
      if (!answer && answer.error().code == "terminal.none") {
        return fail(
            "pki.key_encrypted", Side::config,
            fmt::format("the key {} is encrypted, and there is no terminal to ask on", path),
            "Give its pass phrase with --passphrase-file or --passphrase-env");
      }
      if (!answer) return answer;
      last_ = *answer;
      if (i == kAttempts || opens(path, last_)) break;
    }
    return last_;
  }

 private:
  static bool opens(const std::string& path, const Secret& phrase) {
    return !phrase.empty() && load_key(path, fixed_passphrase(phrase)).has_value();
  }

  Secret last_;
};

}  // namespace

PassphraseSource opening_passphrase(const PassphraseOptions& options) {
  if (!options.file.empty()) {
    return [file = options.file](const std::string&) { return from_file(file); };
  }
  if (!options.environment.empty()) {
    return [name = options.environment](const std::string&) { return from_environment(name); };
  }
  return [asking = std::make_shared<Asking>()](const std::string& path) { return (*asking)(path); };
}

Result<Secret> new_passphrase(const PassphraseOptions& options) {
  Result<Secret> phrase;
  if (!options.file.empty()) {
    phrase = from_file(options.file);
  } else if (!options.environment.empty()) {
    phrase = from_environment(options.environment);
  } else if (options.ask) {
    phrase = ask_secret("New pass phrase for the authority keys: ");
    if (!phrase) return phrase;
    auto again = ask_secret("The same again: ");
    if (!again) return again;
    if (!phrase->equals(again->reveal())) return refuse("the two pass phrases differ");
  } else {
    return Secret();
  }
  if (!phrase) return phrase;
  if (phrase->reveal().size() < kShortest) {
    return refuse(fmt::format("the pass phrase has fewer than {} characters", kShortest));
  }
  return phrase;
}

}  // namespace sallyport::pki
