// The plugin interface. A plugin is one folder of src/plugins: its behaviour and its test. An
// instance is made from one row of `plugins` when a snapshot is built, is immutable and is called
// by all workers at once; what belongs to a request lives in its Exchange.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/task.h"
#include "plugin/exchange.h"

namespace sallyport::plugin {

// What access() decides: go on with the next plugin, answer, or wait and then decide. There is no
// way to go on after answering, nor to forget to resume.
class Step {
 public:
  static Step next() { return Step(); }
  static Step respond(Response response) {
    Step step;
    step.response_ = std::move(response);
    return step;
  }
  static Step wait(Task<Step> task) {
    Step step;
    step.task_ = std::move(task);
    return step;
  }

  bool waits() const { return task_.has_value(); }
  Task<Step>& task() { return *task_; }  // NOLINT(bugprone-unchecked-optional-access)
  bool responds() const { return response_.has_value(); }
  Response& response() { return *response_; }  // NOLINT(bugprone-unchecked-optional-access)

 private:
  Step() = default;
  std::optional<Response> response_;
  std::optional<Task<Step>> task_;
};

// A connection, or a UDP client's datagrams, on its way through a stream route.
struct Connection {
  std::string_view client_ip;
  model::Protocol protocol = model::Protocol::tcp;  // tcp, tls, udp or tls_passthrough
  std::string_view sni = {};                        // "" for none
  const model::Route* route = nullptr;
  const model::Service* service = nullptr;
};

// The phases of an instance; those that it does not name are never called.
struct Phases {
  bool access = false;
  bool header_filter = false;
  bool body_filter = false;
  bool log = false;
};

class Plugin {
 public:
  virtual ~Plugin() = default;

  // Before the upstream is asked.
  virtual Step access(Exchange&) const { return Step::next(); }
  // The answer's status and fields are there, the upstream's or our own; nothing has been sent.
  virtual void header_filter(Exchange&) const {}
  // The whole body of the answer, in exchange.response_body. The answer is held back for it where
  // filters_body() says so.
  virtual void body_filter(Exchange&) const {}
  // Once for each request, after its end.
  virtual void log(const Exchange&) const {}

  // Before the upstream of a stream route is asked: "" to go on, else why the connection is closed.
  // A plugin that knows requests only refuses: no connection is silently unprotected.
  virtual std::string admit(const Connection&) const;

  virtual Phases phases() const = 0;
  // Asked right before access(), unless the body is there already: it is read whole for this
  // request. A body that is too long is refused, so ask for none that would be left as it is.
  virtual bool reads_body(const Exchange&) const { return false; }
  // The same for this answer, asked of those with body_filter behind all header filters.
  virtual bool filters_body(const Exchange&) const { return true; }
};

// What one instance is for.
struct Instance {
  std::string_view id;  // of its row
  const Json& config;   // sound, with all defaults
};

// A plugin as it is registered: plugins/all.cpp has the table.
struct Definition {
  std::string_view name;
  int priority = 0;  // bigger first, in every phase
  std::string_view version;
  // Errors: a configuration that cannot be used, naming the field.
  Result<std::unique_ptr<const Plugin>> (*make)(const Instance& instance);
};

using Definitions = std::span<const Definition>;

const Definition* find(Definitions all, std::string_view name);

// Of a plugin that this gateway has no behaviour for: answers 503 naming it, so that nothing is
// silently unprotected; null for plugins that only observe, without which requests are served.
std::unique_ptr<const Plugin> stand_in(std::string_view name);

}  // namespace sallyport::plugin
