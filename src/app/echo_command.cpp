// sallyport echo: a small upstream that answers with the request that it got, as JSON. Made of the
// data plane itself, whose buffered listeners serve the Admin API too.
#include <csignal>
#include <cstring>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/control_loop.h"
#include "app/daemon.h"
#include "app/pid_file.h"
#include "base/json.h"
#include "proxy/gateway.h"

namespace sallyport::app {
namespace {

struct EchoOptions {
  std::string prefix = "/tmp/sallyport-echo";
  int port = 9080;
  bool foreground = false;
};

http::BufferedResponse echo(const http::BufferedRequest& request) {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers) headers[name] = value;
  Json body = {{"method", request.method}, {"target", request.target}, {"headers", headers}};
  if (!request.body.empty()) body["body"] = request.body;
  http::BufferedResponse response;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

int serve(const EchoOptions& options, const Report& report) {
  auto pid_file = PidFile::take(options.prefix);
  if (!pid_file) return report(pid_file.error().text()), 1;
  ControlLoop loop;
  loop.on_signal(SIGTERM, [&] { loop.stop(); });
  loop.on_signal(SIGINT, [&] { loop.stop(); });
  signal(SIGPIPE, SIG_IGN);

  proxy::Options gateway_options;
  proxy::ListenerOptions listener;
  listener.role = proxy::Role::admin;
  listener.address = "127.0.0.1";
  listener.port = static_cast<uint16_t>(options.port);
  gateway_options.listeners = {listener};
  gateway_options.admin = [](http::BufferedRequest request, proxy::Reply reply) {
    reply(echo(request));
  };
  runtime::Publisher publisher;
  auto gateway = proxy::Gateway::start(std::move(gateway_options), publisher);
  if (!gateway) return report(gateway.error().text()), 1;
  report("");
  loop.run();
  return 0;
}

}  // namespace

Action echo_command(CLI::App& command) {
  auto options = std::make_shared<EchoOptions>();
  command.add_option("--port", options->port, "Port on 127.0.0.1")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  command.add_option("-p,--prefix", options->prefix, "Where its pid file is")
      ->capture_default_str();
  command.add_flag("--foreground", options->foreground, "Stay in the foreground");
  command.footer("Example:\n  sallyport echo --foreground --port 9000");
  return [options] {
    auto work = [&](const Report& report) { return serve(*options, report); };
    return options->foreground ? run_foreground(work) : run_daemon(work, "Echo upstream started");
  };
}

}  // namespace sallyport::app
