#include "plugins/basic_auth/basic_auth.h"

#include <algorithm>
#include <array>
#include <optional>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "model/row_reader.h"

namespace sallyport::plugins::basic_auth {
namespace {

using plugin::Exchange;
using plugin::Response;
using plugin::Step;

struct Credentials {
  std::string username;
  std::string password;
  bool operator==(const Credentials&) const = default;
};

std::optional<Credentials> parse(std::string_view field) {
  constexpr std::string_view kScheme = "Basic";
  if (field.size() <= kScheme.size() ||
      !text::equals_ignore_case(field.substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  const auto decoded = text::from_base64(text::trim(field.substr(kScheme.size())));
  if (!decoded) return std::nullopt;
  const size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

// How Kong stores passwords: SHA-1 of the password and the consumer's id.
std::string stored_form(std::string_view password, std::string_view consumer_id) {
  std::string input(password);
  input += consumer_id;
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return text::hex({digest.data(), size});
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

class BasicAuth final : public plugin::Plugin {
 public:
  explicit BasicAuth(model::RowReader& config) {
    std::string realm = "service";
    config.text("realm", realm);
    challenge_ = "Basic realm=\"" + realm + "\"";
    config.text("anonymous", anonymous_);
    config.flag("hide_credentials", hide_);
  }

  plugin::Phases phases() const override { return {.access = true}; }

  Step access(Exchange& exchange) const override {
    if (!anonymous_.empty() && exchange.authenticated() && !exchange.anonymous) return Step::next();
    if (authenticate(exchange)) return Step::next();
    if (!anonymous_.empty()) {
      if (plugin::let_through_as(exchange, anonymous_)) return Step::next();
      return Step::respond(plugin::message(500, "the anonymous consumer does not exist"));
    }
    Response response = plugin::message(401, "Unauthorized");
    response.headers.emplace_back("WWW-Authenticate", challenge_);
    return Step::respond(std::move(response));
  }

 private:
  bool authenticate(Exchange& exchange) const {
    for (const char* name : {"Proxy-Authorization", "Authorization"}) {
      const auto field = exchange.headers.get(name);
      const auto given = field ? parse(*field) : std::nullopt;
      if (!given) continue;
      const auto* found = exchange.identities->by_username(given->username);
      if (found == nullptr) return false;
      const model::BasicCredential& credential = *found->credential;
      if (!same(stored_form(given->password, credential.consumer_id), credential.password)) {
        return false;
      }
      if (hide_) hide(exchange, *given);
      plugin::authenticate(exchange, found->consumer.get(), credential.id, credential.username);
      return true;
    }
    return false;
  }

  // The same credentials may stand in both fields; others may be the upstream's.
  static void hide(Exchange& exchange, const Credentials& given) {
    for (const char* name : {"Proxy-Authorization", "Authorization"}) {
      const auto fields = exchange.headers.all(name);
      const bool there = std::ranges::any_of(
          fields, [&](std::string_view field) { return parse(field) == given; });
      if (there) exchange.headers.remove(name);
    }
  }

  std::string anonymous_, challenge_;
  bool hide_ = false;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  auto made = std::make_unique<const BasicAuth>(config);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return made;
}

}  // namespace sallyport::plugins::basic_auth
