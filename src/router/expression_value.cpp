#include "router/expression_value.h"

#include <algorithm>

#include "http/character.h"
#include "http/uri.h"
#include "router/conditions.h"

namespace sallyport::router {
namespace {

// Kong's lua_max_uri_args.
constexpr size_t kMaxArguments = 100;

// How characters of the field are compared: as they are, or in lower case.
struct Same {
  bool lower;
  bool operator()(char field, char constant) const {
    return (lower ? http::lower_case(field) : field) == constant;
  }
};

bool regex_holds(const Pattern& pattern, std::string_view value, bool lower) {
  if (!lower) return pattern.match(value).matched();
  thread_local std::string lowered;
  lowered.assign(value);
  for (char& c : lowered) c = http::lower_case(c);
  return pattern.match(lowered).matched();
}

bool text_holds(const Predicate& p, std::string_view value) {
  if (p.op == Operator::matches) {
    return regex_holds(*std::get<std::shared_ptr<const Pattern>>(p.constant), value, p.lower);
  }
  const std::string& constant = std::get<std::string>(p.constant);
  const Same same{p.lower};
  auto equal = [&](std::string_view part) {
    return part.size() == constant.size() && std::ranges::equal(part, constant, same);
  };
  const bool room = value.size() >= constant.size();
  switch (p.op) {
    case Operator::equal:
      return equal(value);
    case Operator::not_equal:
      return !equal(value);
    case Operator::starts_with:
      return room && equal(value.substr(0, constant.size()));
    case Operator::ends_with:
      return room && equal(value.substr(value.size() - constant.size()));
    case Operator::contains:
      return constant.empty() || !std::ranges::search(value, constant, same).empty();
    default:
      return false;
  }
}

bool number_holds(const Predicate& p, int64_t value) {
  const int64_t constant = std::get<int64_t>(p.constant);
  switch (p.op) {
    case Operator::equal:
      return value == constant;
    case Operator::not_equal:
      return value != constant;
    case Operator::greater_or_equal:
      return value >= constant;
    case Operator::greater:
      return value > constant;
    case Operator::less_or_equal:
      return value <= constant;
    case Operator::less:
      return value < constant;
    default:
      return false;
  }
}

bool address_holds(const Predicate& p, std::string_view text) {
  const auto ip = IpAddress::parse(text);
  if (!ip) return false;
  if (const auto* wanted = std::get_if<IpAddress>(&p.constant)) {
    return (*ip == *wanted) == (p.op == Operator::equal);
  }
  return std::get<Cidr>(p.constant).contains(*ip) == (p.op == Operator::in);
}

bool port_holds(const Predicate& p, const Endpoint& endpoint) {
  return endpoint.port != 0 && number_holds(p, endpoint.port);
}

// Gathers the verdicts on several values: one is enough with any(), else all must agree.
class Verdict {
 public:
  explicit Verdict(bool any) : any_(any) {}
  // False when no further value can change it.
  bool add(bool holds) {
    seen_ = true;
    all_ &= holds;
    some_ |= holds;
    return any_ ? !some_ : all_;
  }
  bool result() const { return seen_ && (any_ ? some_ : all_); }

 private:
  bool any_;
  bool seen_ = false;
  bool all_ = true;
  bool some_ = false;
};

bool headers_hold(const Predicate& p, std::span<const http::Header> fields) {
  Verdict verdict(p.any);
  for (const http::Header& field : fields) {
    if (!same_header_name(field.name, p.field.name)) continue;
    if (!verdict.add(text_holds(p, field.value))) break;
  }
  return verdict.result();
}

bool is_encoded(std::string_view text) {
  return text.find_first_of("%+") != std::string_view::npos;
}

bool same_decoded(std::string_view text, std::string_view wanted) {
  return is_encoded(text) ? http::percent_decode(text, true) == wanted : text == wanted;
}

// An argument without '=' has the value "".
bool query_holds(const Predicate& p, std::string_view query) {
  Verdict verdict(p.any);
  for (size_t count = 0; !query.empty() && count < kMaxArguments; ++count) {
    const std::string_view argument = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(argument.size() + 1, query.size()));
    const size_t equals = std::min(argument.find('='), argument.size());
    if (!same_decoded(argument.substr(0, equals), p.field.name)) continue;
    const std::string_view value = argument.substr(std::min(equals + 1, argument.size()));
    const bool holds =
        is_encoded(value) ? text_holds(p, http::percent_decode(value, true)) : text_holds(p, value);
    if (!verdict.add(holds)) break;
  }
  return verdict.result();
}

std::string_view name(model::Protocol protocol) {
  constexpr std::string_view kNames[] = {"http", "https", "http", "https",
                                         "tcp",  "tls",   "udp",  "tcp"};
  return kNames[static_cast<size_t>(protocol)];
}

}  // namespace

std::optional<std::string_view> path_segments(std::string_view path, uint32_t first,
                                              uint32_t last) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  size_t begin = 0;
  for (uint32_t i = 0; i < first; ++i) {
    begin = path.find('/', begin);
    if (begin == std::string_view::npos) return std::nullopt;
    ++begin;
  }
  if (path.empty()) return std::nullopt;
  size_t end = begin;
  for (uint32_t i = first; i <= last; ++i) {
    if (end == path.size()) return std::nullopt;
    end = std::min(path.find('/', i == first ? end : end + 1), path.size());
  }
  return path.substr(begin, end - begin);
}

int64_t count_path_segments(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  return path.empty() ? 0 : 1 + std::ranges::count(path, '/');
}

bool predicate_holds(const Predicate& p, const MatchInput& input, std::string_view host) {
  switch (p.field.kind) {
    case FieldKind::protocol:
      return text_holds(p, name(input.protocol));
    case FieldKind::sni:
      return !input.sni.empty() && text_holds(p, input.sni);
    case FieldKind::method:
      return text_holds(p, input.method);
    case FieldKind::host:
      return !host.empty() && text_holds(p, host);
    case FieldKind::path:
      return text_holds(p, input.path);
    case FieldKind::segments: {
      const auto part = path_segments(input.path, p.field.first, p.field.last);
      return part && text_holds(p, *part);
    }
    case FieldKind::segment_count:
      return number_holds(p, count_path_segments(input.path));
    case FieldKind::header:
      return headers_hold(p, input.headers);
    case FieldKind::query:
      return query_holds(p, input.query);
    case FieldKind::source_ip:
      return address_holds(p, input.source.ip);
    case FieldKind::source_port:
      return port_holds(p, input.source);
    case FieldKind::destination_ip:
      return address_holds(p, input.destination.ip);
    case FieldKind::destination_port:
      return port_holds(p, input.destination);
  }
  return false;
}

void take_captures(const Pattern& pattern, Pattern::Spans spans, std::string_view subject,
                   Match& out) {
  out.capture_count = 0;
  for (const Pattern::Group& group : pattern.groups()) {
    const size_t begin = spans.begin(group.number);
    if (begin == Pattern::Spans::npos || out.capture_count == out.captures.size()) continue;
    out.captures[out.capture_count++] = {
        .name = group.name,
        .value = subject.substr(begin, spans.end(group.number) - begin),
        .number = group.number};
  }
}

}  // namespace sallyport::router
