#include "setup/access_rules.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"

namespace sallyport::setup {
namespace {

struct MethodWord {
  Method method;
  std::string_view word;
  std::string_view hba;  // the end of the line
};

constexpr std::array kMethods = {
    MethodWord{Method::cert, "cert", "cert"},
    MethodWord{Method::trust_verify_full, "trust-verify-full", "trust clientcert=verify-full"},
    MethodWord{Method::scram_verify_full, "scram-verify-full",
               "scram-sha-256 clientcert=verify-full"},
    MethodWord{Method::scram_verify_ca, "scram-verify-ca", "scram-sha-256 clientcert=verify-ca"},
    MethodWord{Method::scram, "scram", "scram-sha-256"},
};

const MethodWord& row(Method method) {
  return *std::ranges::find(kMethods, method, &MethodWord::method);
}

// A word as pg_hba.conf and pg_ident.conf read it back. `all` and the like keep their meaning only
// without quotes, so they stay bare where the caller means them.
std::string token(std::string_view value) {
  constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/";
  bool bare = !value.empty() && value.find_first_not_of(kBare) == std::string_view::npos;
  if (bare) return std::string(value);
  std::string quoted = "\"";
  for (char c : value) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string tokens(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) parts.push_back(token(value));
  return text::join(parts, ",");
}

bool valid_address(std::string_view address) {
  if (address == "all" || address == "samehost" || address == "samenet") return true;
  size_t slash = address.find('/');
  std::string literal(address.substr(0, slash));
  unsigned char bytes[16];
  bool v4 = inet_pton(AF_INET, literal.c_str(), bytes) == 1;
  bool v6 = inet_pton(AF_INET6, literal.c_str(), bytes) == 1;
  if (slash != std::string_view::npos) {
    auto bits = text::to_integer(address.substr(slash + 1));
    return (v4 || v6) && bits && *bits >= 0 && *bits <= (v4 ? 32 : 128);
  }
  if (v4 || v6) return false;  // pg_hba.conf wants a mask with a literal address
  return !address.empty() && address.find_first_of(" \t\"#,") == std::string_view::npos;
}

}  // namespace

Result<Method> parse_method(std::string_view word) {
  for (const MethodWord& entry : kMethods) {
    if (entry.word == word) return entry.method;
  }
  return fail("setup.method", Side::config, fmt::format("unknown method '{}'", word),
              "use cert, trust-verify-full, scram-verify-full, scram-verify-ca or scram");
}

std::string_view to_word(Method method) {
  return row(method).word;
}

bool wants_client_certificate(Method method) {
  return method != Method::scram;
}

bool wants_password(Method method) {
  return method != Method::cert && method != Method::trust_verify_full;
}

Result<void> check(const AccessRules& rules) {
  if (!rules.map.empty() && rules.method != Method::cert) {
    return fail("setup.map", Side::config,
                fmt::format("a user map does not go with --method {}: PostgreSQL accepts map= on "
                            "`cert` lines only and would not load the file",
                            to_word(rules.method)),
                "use --method cert, or give each client certificate the role as its CN");
  }
  for (const auto& [name, role] : rules.map) {
    if (name.empty() || role.empty() || (name + role).find_first_of("\r\n") != std::string::npos) {
      return fail("setup.map", Side::config, "a map entry needs a certificate name and a role",
                  "write --map 'gateway-1.example.com=kong'");
    }
  }
  for (const std::string& address : rules.addresses) {
    if (!valid_address(address)) {
      return fail("setup.address", Side::config,
                  fmt::format("'{}' is not an address that pg_hba.conf takes", address),
                  "use all, samenet, a CIDR such as 10.0.0.0/8 or 10.1.2.3/32, or a host name");
    }
  }
  auto broken = [](const std::string& name) {
    return name.empty() || std::ranges::any_of(name, [](unsigned char c) { return c < ' '; });
  };
  if (std::ranges::any_of(rules.databases, broken) || std::ranges::any_of(rules.roles, broken)) {
    return fail("setup.rules", Side::config,
                "a database or role is empty, or has a control character in its name");
  }
  if (rules.databases.empty() || rules.roles.empty() || rules.addresses.empty()) {
    return fail("setup.rules", Side::config, "databases, roles and addresses must not be empty");
  }
  return {};
}

std::string hba_lines(const AccessRules& rules) {
  std::string method(row(rules.method).hba);
  if (!rules.map.empty()) method += fmt::format(" map={}", kMapName);
  std::string out;
  for (const std::string& address : rules.addresses) {
    out += fmt::format("hostssl {} {} {} {}\n", tokens(rules.databases), tokens(rules.roles),
                       token(address), method);
  }
  if (!rules.reject_plain) return out;
  for (const std::string& address : rules.addresses) {
    out += fmt::format("hostnossl {} {} {} reject\n", tokens(rules.databases), tokens(rules.roles),
                       token(address));
  }
  return out;
}

std::string ident_lines(const AccessRules& rules) {
  std::string out;
  if (rules.map.empty()) return out;
  auto line = [&](const std::string& name, const std::string& role) {
    out += fmt::format("{} {} {}\n", kMapName, token(name), token(role));
  };
  for (const auto& [name, role] : rules.map) line(name, role);
  // With a map even CN = role needs a line (measured).
  for (const std::string& role : rules.roles) {
    bool there = std::ranges::find(rules.map, std::pair(role, role)) != rules.map.end();
    if (role != "all" && !there) line(role, role);
  }
  return out;
}

namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool started = false;
  for (char c : line) {
    if (c == '"') {
      quoted = !quoted;
      started = true;
    } else if (!quoted && (c == ' ' || c == '\t')) {
      if (started) words.push_back(word);
      word.clear();
      started = false;
    } else if (!quoted && c == '#') {
      break;
    } else {
      word += c;
      started = true;
    }
  }
  if (started) words.push_back(word);
  return words;
}

// Groups, files of names and regular expressions may name anybody.
bool names_one_of(std::string_view field, const std::vector<std::string>& wanted) {
  for (std::string_view item : text::list(field)) {
    bool open = item == "all" || item.starts_with("same") || item.find_first_of("+@/") == 0;
    if (open) return true;
    for (const std::string& name : wanted) {
      if (item == name || name == "all") return true;
    }
  }
  return false;
}

bool concerns(const std::vector<std::string>& words, const AccessRules& rules) {
  return words.size() >= 5 && words[0].starts_with("host") &&
         names_one_of(words[1], rules.databases) && names_one_of(words[2], rules.roles);
}

}  // namespace

std::vector<std::string> matching_lines(std::string_view hba, const AccessRules& rules) {
  std::vector<std::string> found;
  for (std::string_view line : text::split(hba, '\n')) {
    std::vector<std::string> words = words_of(line);
    bool include = !words.empty() && words[0].starts_with("include");
    if (include || concerns(words, rules)) found.emplace_back(text::trim(line));
  }
  return found;
}

std::vector<std::string> weaker_lines(std::string_view hba, const AccessRules& rules) {
  std::vector<std::string> found;
  for (std::string_view line : text::split(hba, '\n')) {
    std::vector<std::string> words = words_of(line);
    if (!concerns(words, rules)) continue;
    bool masked = words[4].find_first_not_of("0123456789.") == std::string::npos;
    const std::string& method = masked && words.size() > 5 ? words[5] : words[4];
    bool plain = words[0] == "host" || words[0] == "hostnossl" || words[0] == "hostnogssenc";
    bool weak = method == "trust" || method == "password" || method == "md5" || method == "ident";
    if (method != "reject" && (plain || weak)) found.emplace_back(text::trim(line));
  }
  return found;
}

bool covers_loopback(const AccessRules& rules) {
  return std::ranges::any_of(rules.addresses, [](std::string_view address) {
    if (address == "all" || address == "samehost" || address == "samenet") return true;
    size_t slash = address.find('/');
    if (slash == std::string_view::npos) return address == "localhost";
    std::string literal(address.substr(0, slash));
    auto bits = text::to_integer(address.substr(slash + 1)).value_or(0);
    in_addr v4;
    if (inet_pton(AF_INET, literal.c_str(), &v4) == 1) {
      uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
      return (ntohl(v4.s_addr) & mask) == (uint32_t{INADDR_LOOPBACK} & mask);
    }
    return literal == "::1" || (bits == 0 && literal == "::");
  });
}

bool covers_all(const AccessRules& rules) {
  return rules.reject_plain && std::ranges::find(rules.addresses, "all") != rules.addresses.end();
}

}  // namespace sallyport::setup
