#include "proxy/plugin_run.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "proxy/answer.h"
#include "proxy/fields.h"
#include "proxy/request_body.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// What plugins may add to a head beyond what clients may send.
constexpr uint32_t kAddedHead = 64 * 1024;
constexpr uint16_t kMostFields = http::kMaxHeaders - http::kOwnFields;
constexpr std::string_view kJson = "application/json; charset=utf-8";

bool is_framing(std::string_view name) {
  return text::equals_ignore_case(name, "Content-Length") ||
         text::equals_ignore_case(name, "Transfer-Encoding");
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Everything that could end a request line, or begin a part of it, as %XX.
std::string for_request_line(std::string_view text, std::string_view also) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7f && also.find(c) == also.npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

http::Limits wider(http::Limits limits) {
  limits.max_head += kAddedHead;
  limits.max_request_line += kAddedHead;
  limits.max_field_line = limits.max_head;
  limits.max_headers = kMostFields;
  return limits;
}

}  // namespace

PluginRun::PluginRun(Session& session, Exchange& exchange, const plugin::Chain& chain)
    : session_(session), proxied_(exchange), chain_(chain) {
  const http::RequestHead& request = exchange.request;
  const runtime::Snapshot& snapshot = *exchange.snapshot->snapshot;
  exchange_.method = request.method_text;
  exchange_.scheme = session.listener().tls != nullptr ? "https" : "http";
  exchange_.host = exchange.host;
  exchange_.path = exchange.path;
  exchange_.raw_path = exchange.target_parts.path;
  exchange_.query = exchange.target_parts.query;
  exchange_.has_query = exchange.target_parts.has_query;
  exchange_.client_ip = exchange.client_ip;
  exchange_.request_id = exchange.id();
  exchange_.port = session.listener().port_text;
  exchange_.socket = session.transport().fd();
  exchange_.tls = session.transport().tls();
  if (request.framing == http::BodyFraming::length) {
    exchange_.content_length = request.content_length;
  } else if (request.framing == http::BodyFraming::none) {
    exchange_.content_length = 0;
  }
  exchange_.expects_continue = request.expect_continue;
  exchange_.route = exchange.route->route.get();
  if (exchange.route->target != nullptr) {
    exchange_.service = exchange.route->target->service.get();
  }
  for (uint8_t i = 0; i < exchange.match.capture_count; ++i) {
    const router::Capture& capture = exchange.match.captures[i];
    if (!capture.name.empty()) exchange_.captures.emplace_back(capture.name, capture.value);
    exchange_.captures.emplace_back(std::to_string(capture.number), capture.value);
  }
  exchange_.identities = snapshot.identities.get();
  exchange_.now = unix_seconds();
  exchange_.headers = plugin::Fields(request.fields());
  if (names_fields(request.fields())) {
    end_to_end_ = end_to_end_fields(request.fields());
    exchange_.headers = plugin::Fields(end_to_end_);
  }
}

Task<bool> PluginRun::access(bool& keep) {
  BodyOutcome body = BodyOutcome::complete;
  auto response = co_await run_access(body);
  if (body != BodyOutcome::complete) {
    keep = co_await answer_bad_body(session_, proxied_, body);
    co_return false;
  }
  if (response) {
    keep = co_await answer(std::move(*response));
    co_return false;
  }
  if (exchange_.new_path) {
    path_ = for_request_line(*exchange_.new_path, "?#");
    if (!path_.starts_with('/')) path_.insert(0, 1, '/');
  }
  if (exchange_.new_query && !exchange_.new_query->empty()) {
    query_ = '?' + for_request_line(*exchange_.new_query, "#");
  }
  if (exchange_.consumer != nullptr) {
    proxied_.consumer_key = exchange_.consumer->id;
  } else {
    proxied_.consumer_key = exchange_.credential_id;
  }
  if (rewrite_request()) co_return true;
  tell_unsendable(proxied_.fault.reason);
  keep = co_await answer_error(session_, proxied_, 500, "", ErrorSource::gateway, true);
  co_return false;
}

std::string_view PluginRun::query() {
  if (exchange_.new_query) return query_;
  const http::RequestTarget& target = proxied_.target_parts;
  if (!target.has_query) return {};
  return {target.query.data() - 1, target.query.size() + 1};
}

Task<BodyOutcome> PluginRun::read_request_body(const plugin::Configured& reader) {
  const uint64_t most = body_limit(session_, proxied_);
  exchange_.body.emplace();
  const BodyOutcome outcome =
      co_await read_body(session_, proxied_, std::min(most, kMostForPlugins), *exchange_.body);
  if (outcome == BodyOutcome::too_large && most > kMostForPlugins) {
    log::error(
        "route {}: a request body is longer than the {} MiB that the plugin {} ({}) reads; set the "
        "plugin up without what needs the body, or on other routes",
        exchange_.route->id, kMostForPlugins >> 20, reader.row->name, reader.row->id);
    // The limit of another plugin was not what it broke.
    exchange_.max_body.reset();
  }
  co_return outcome;
}

Task<bool> PluginRun::answer_too_large() {
  co_return co_await answer(
      plugin::message(exchange_.expects_continue ? 417 : 413, "Request size limit exceeded"));
}

// Who follows a plugin that answers is chosen all the same: it has a say about the answer's head.
// `body` is what reading the request's came to.
Task<std::optional<plugin::Response>> PluginRun::run_access(BodyOutcome& body) {
  std::optional<plugin::Response> response;
  const bool https = session_.listener().tls != nullptr;
  for (const plugin::Chain::Slot& slot : chain_.slots()) {
    const std::string_view consumer =
        exchange_.consumer != nullptr ? std::string_view(exchange_.consumer->id) : "";
    const plugin::Configured* configured = slot.choose(consumer, https);
    if (configured == nullptr) continue;
    chosen_.push_back(configured);
    if (response || body != BodyOutcome::complete || !configured->plugin->phases().access) continue;
    if (!exchange_.body && configured->plugin->reads_body(exchange_)) {
      body = co_await read_request_body(*configured);
      if (body != BodyOutcome::complete) continue;
    }
    plugin::Step step = configured->plugin->access(exchange_);
    while (step.waits()) step = co_await std::move(step.task());
    if (step.responds()) response = std::move(step.response());
  }
  co_return response;
}

Task<bool> PluginRun::answer(plugin::Response response) {
  std::string fields;
  for (const auto& [name, value] : response.headers) {
    if (!http::valid_field_name(name) || !http::valid_field_value(value)) continue;
    append_field(fields, name, value);
  }
  if (!http::valid_field_value(response.content_type)) response.content_type.clear();
  std::string_view type = response.content_type;
  if (type.empty() && !response.body.empty()) type = kJson;
  co_return co_await proxy::answer(session_, proxied_,
                                   {.status = response.status,
                                    .content_type = type,
                                    .body = response.body,
                                    .extra_fields = fields});
}

std::string PluginRun::request_text(bool know_length) const {
  const http::RequestHead& request = proxied_.request;
  std::string out(exchange_.new_method ? std::string_view(*exchange_.new_method)
                                       : request.method_text);
  out.append(" ").append(request.target).append(" HTTP/1.");
  out += request.minor_version == 0 ? "0\r\n" : "1\r\n";
  auto field = [&](std::string_view name, std::string_view value, bool received) {
    // The framing is the proxy's: as it was received, or as the body has become.
    if (is_framing(name) && (know_length || !received)) return;
    append_field(out, name, value);
  };
  for (const http::Header& one : request.fields()) {
    if (!exchange_.headers.changed() || is_framing(one.name)) field(one.name, one.value, true);
  }
  if (exchange_.headers.changed()) {
    for (const auto& one : exchange_.headers.list()) field(one.name, one.value, false);
  }
  if (know_length) append_field(out, "Content-Length", std::to_string(exchange_.body->size()));
  return out + "\r\n";
}

// What plugins changed becomes the received head, through the reader like any other, so that
// nothing of it can be taken for something else. The old head stays: others have views into it.
bool PluginRun::rewrite_request() {
  http::RequestHead& request = proxied_.request;
  const bool had_body = request.framing != http::BodyFraming::none;
  const bool know_length =
      exchange_.body && (exchange_.body_changed || request.framing == http::BodyFraming::chunked) &&
      (had_body || !exchange_.body->empty());
  if (exchange_.body) proxied_.body = *exchange_.body;
  if (!exchange_.headers.changed() && !exchange_.new_method && !know_length) return true;
  const std::string text = request_text(know_length);
  const std::string old_host(request.host);
  const bool keep_alive = request.keep_alive;
  const bool upgrade = request.upgrade;
  proxied_.received_head = std::move(proxied_.head);
  proxied_.head = session_.worker().loop().blocks().take(text.size());
  proxied_.head->append(text);
  uint32_t scanned = 0;
  const auto status =
      http::read_request(proxied_.head->view(), wider(session_.worker().options().limits), scanned,
                         request, proxied_.fault);
  if (status != http::ParseStatus::complete) return false;
  request.keep_alive = keep_alive;
  request.upgrade = upgrade;
  if (request.host != old_host) proxied_.new_host = request.host;
  return true;
}

void PluginRun::run_header_filters() {
  for (const plugin::Configured* one : chosen_) {
    if (one->plugin->phases().header_filter) one->plugin->header_filter(exchange_);
  }
  for (const auto& [name, value] : exchange_.for_client) {
    exchange_.response_headers.set(name, value);
  }
}

std::string PluginRun::response_text(const std::string* body) const {
  const http::ResponseHead& response = proxied_.response;
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ';
  out.append(response.reason).append("\r\n");
  for (const http::Header& one : response.fields()) {
    if (!is_framing(one.name) || body != nullptr) continue;
    if (other_length_ && text::equals_ignore_case(one.name, "Content-Length")) continue;
    append_field(out, one.name, one.value);
  }
  if (exchange_.response_headers.changed()) {
    for (const auto& one : exchange_.response_headers.list()) {
      if (!is_framing(one.name)) append_field(out, one.name, one.value);
    }
  } else {
    for (const http::Header& one : response.fields()) {
      if (!is_framing(one.name)) append_field(out, one.name, one.value);
    }
  }
  if (body != nullptr) append_field(out, "Content-Length", std::to_string(body->size()));
  return out + "\r\n";
}

void PluginRun::tell_unsendable(std::string_view why) const {
  log::error(
      "route {}: its plugins made a head that cannot be sent: {}; answered with 500. Let them "
      "add less: a head has room for {} fields",
      exchange_.route->id, why, kMostFields);
}

std::string_view PluginRun::filter_head() {
  const http::ResponseHead& response = proxied_.response;
  exchange_.status = response.status;
  exchange_.response_headers = plugin::Fields(response.fields());
  run_header_filters();
  const auto filter = std::ranges::find_if(chosen_, [this](const plugin::Configured* one) {
    return one->plugin->phases().body_filter && one->plugin->filters_body(exchange_);
  });
  if (filter == chosen_.end()) return "";
  other_length_ = proxied_.request.method == http::Method::head || response.status == 304;
  return (*filter)->row->name;
}

bool PluginRun::filter_proxied(net::BlockPtr& block, std::string* body) {
  http::ResponseHead& response = proxied_.response;
  if (body != nullptr) {
    exchange_.response_body = body;
    for (const plugin::Configured* one : chosen_) {
      if (!one->plugin->phases().body_filter || !one->plugin->filters_body(exchange_)) continue;
      one->plugin->body_filter(exchange_);
    }
    exchange_.response_body = nullptr;
  }
  if (!exchange_.response_headers.changed() && body == nullptr && !other_length_) return true;
  const std::string text = response_text(body);
  const std::string_view rest = body != nullptr ? *body : block->view().substr(response.size);
  net::BlockPtr fresh = session_.worker().loop().blocks().take(text.size() + rest.size());
  fresh->append(text);
  fresh->append(rest);
  http::ResponseHead reread;
  uint32_t scanned = 0;
  http::ParseFault fault;
  const bool keep_alive = response.keep_alive;
  const auto status = http::read_response(fresh->view(), wider(session_.worker().options().limits),
                                          proxied_.request.method, scanned, reread, fault);
  if (status != http::ParseStatus::complete) {
    tell_unsendable(fault.reason);
    return false;
  }
  response = reread;
  response.keep_alive = keep_alive;
  proxied_.received_response = std::move(block);
  block = std::move(fresh);
  return true;
}

bool PluginRun::filter_own(int status, std::string& content_type, std::string& fields) {
  if (unsendable_) return true;
  std::vector<http::Header> received;
  if (!content_type.empty()) received.push_back({"Content-Type", content_type});
  std::string_view rest = fields;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    if (const size_t colon = line.find(": "); colon != line.npos) {
      received.push_back({line.substr(0, colon), line.substr(colon + 2)});
    }
  }
  exchange_.status = status;
  exchange_.response_headers = plugin::Fields(received);
  run_header_filters();
  // What it held views into ends here.
  const plugin::Fields filtered = std::exchange(exchange_.response_headers, plugin::Fields());
  if (!filtered.changed()) return true;
  if (filtered.list().size() > kMostFields) {
    unsendable_ = true;
    tell_unsendable("too many header fields");
    return false;
  }
  std::string type, lines;
  for (const auto& one : filtered.list()) {
    if (is_framing(one.name)) continue;
    if (text::equals_ignore_case(one.name, "Content-Type")) {
      type = one.value;
    } else {
      append_field(lines, one.name, one.value);
    }
  }
  content_type = std::move(type);
  fields = std::move(lines);
  return true;
}

void PluginRun::log() {
  exchange_.status = proxied_.status;
  for (const plugin::Configured* one : chosen_) {
    if (one->plugin->phases().log) one->plugin->log(exchange_);
  }
}

}  // namespace sallyport::proxy
