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
#include "proxy/session.h"

namespace sallyport::proxy {

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
  uint64_t max_body() const { return exchange_.max_body; }

  // The upstream's answer: its head in `block`, read as `proxied.response`, is replaced by what the
  // plugins make of it. `body` is the whole body where filters_body(), else null. False when that
  // cannot be sent; then nothing of the upstream's answer may be.
  bool filters_body() const { return chain_.filters_body(); }
  [[nodiscard]] bool filter_proxied(net::BlockPtr& block, std::string* body);
  // An answer of the gateway's own: whole field lines. False when what becomes of it cannot be
  // sent; whatever is sent in its place is left as it is.
  [[nodiscard]] bool filter_own(int status, std::string& content_type, std::string& fields);

  void log();

 private:
  Task<bool> read_request_body(bool& keep);
  Task<std::optional<plugin::Response>> run_access();
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
  bool unsendable_ = false;  // the gateway's own answer
};

}  // namespace sallyport::proxy
