// The plugins of one request: its way through the chain, and what they changed put into the heads
// that the proxy reads and writes. Only requests on routes with plugins have one; lives from the
// routing to the end of the request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "plugin/chain.h"
#include "proxy/exchange.h"
#include "proxy/request_body.h"
#include "proxy/session.h"

namespace sallyport::proxy {

// A body that plugins read or change is held in memory.
inline constexpr uint64_t kMostForPlugins = 8u << 20;

class PluginRun {
 public:
  PluginRun(Session& session, Exchange& exchange, const plugin::Chain& chain);

  // The access phase. True: go on to the upstream; else the request is answered and `keep` says
  // whether the connection may serve another.
  Task<bool> access(bool& keep);

  // The query for the upstream with its '?', after access().
  std::string_view query();
  // "" where route and service make it.
  std::string_view path() const { return path_; }
  std::optional<uint64_t> max_body() const { return exchange_.max_body; }
  // The answer to a body longer than max_body(), which shows while it is read.
  Task<bool> answer_too_large();

  // The upstream's answer, read as `proxied.response`, for the header filters. The name of a plugin
  // that changes its body, "" for none.
  std::string_view filter_head();
  // Behind it: the head in `block` is replaced by what the plugins make of it. `body` is the whole
  // body where one of them changes it, else null. False when that cannot be sent; then nothing of
  // the upstream's answer may be.
  [[nodiscard]] bool filter_proxied(net::BlockPtr& block, std::string* body);
  // An answer of the gateway's own: whole field lines. False when what becomes of it cannot be
  // sent; whatever is sent in its place is left as it is.
  [[nodiscard]] bool filter_own(int status, std::string& content_type, std::string& fields);

  void log();

 private:
  Task<BodyOutcome> read_request_body(const plugin::Configured& reader);
  Task<std::optional<plugin::Response>> run_access(BodyOutcome& body);
  Task<bool> answer(plugin::Response response);
  bool rewrite_request();
  std::string request_text(bool know_length) const;
  std::string response_text(const std::string* body) const;
  void run_header_filters();
  void tell_unsendable(std::string_view why) const;

  Session& session_;
  Exchange& proxied_;
  const plugin::Chain& chain_;
  std::vector<http::Header> end_to_end_;  // where Connection names fields: the others
  plugin::Exchange exchange_;
  std::vector<const plugin::Configured*> chosen_;
  std::string path_, query_;
  bool unsendable_ = false;    // the gateway's own answer
  bool other_length_ = false;  // an answer to HEAD does not know the length of one to GET
};

}  // namespace sallyport::proxy
