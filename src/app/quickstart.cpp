#include "app/quickstart.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/loopback_client.h"
#include "app/pid_file.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "base/text.h"
#include "http/status.h"
#include "pki/hierarchy.h"
#include "setup/child_process.h"
#include "setup/private_cluster.h"
#include "setup/server_change.h"
#include "setup/server_layout.h"
#include "setup/server_plan.h"
#include "setup/server_verdict.h"

namespace sallyport::app {
namespace {

constexpr std::string_view kMark = "quickstart.json";  // also says that the directory is ours
constexpr int kSteps = 8;
constexpr Milliseconds kUp{30'000};

std::string own_binary() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

Result<void> end_process(const std::string& prefix, const char* what) {
  auto pid = PidFile::owner(prefix);
  if (!pid) return {};
  kill(*pid, SIGTERM);
  if (wait_until_gone(prefix, std::chrono::seconds(10))) return {};
  return fail("quickstart.stop", Side::internal,
              fmt::format("{} (pid {}) does not stop", what, *pid));
}

// The prefix becomes part of kong.conf, postgresql.conf and a shell's words; each has characters of
// its own that it does not read as they are.
Result<void> check_prefix(const std::string& prefix) {
  for (unsigned char c : prefix) {
    if (c >= ' ' && c != 0x7f &&
        std::string_view("#,'\"\\$`;").find(static_cast<char>(c)) == std::string_view::npos) {
      continue;
    }
    return fail("quickstart.prefix", Side::config,
                fmt::format("the prefix {} has a character that settings cannot hold", prefix),
                "choose a path without # , ' \" \\ $ ` ; with --prefix");
  }
  return {};
}

std::string shell_word(const std::string& path) {
  return path.find(' ') == std::string::npos ? path : "'" + path + "'";
}

class Quickstart {
 public:
  explicit Quickstart(QuickstartOptions options)
      : options_(std::move(options)), prefix_(options_.prefix), style_(text_style(1)) {}

  Result<void> run() {
    using Step = Result<void> (Quickstart::*)();
    struct Named {
      const char* what;
      Step step;
    };
    constexpr std::array<Named, kSteps> kSequence = {{
        {"Directory and ports", &Quickstart::prepare},
        {"Certificates: root, intermediate, server, client", &Quickstart::make_certificates},
        {"A PostgreSQL cluster of its own", &Quickstart::make_cluster},
        {"TLS and `hostssl all all all cert`", &Quickstart::secure_cluster},
        {"The database's schema", &Quickstart::migrate},
        {"The echo upstream", &Quickstart::start_echo},
        {"The gateway", &Quickstart::start_gateway},
        {"One service, one route", &Quickstart::configure},
    }};
    for (int i = 0; i < kSteps; ++i) {
      TimePoint begin = Clock::now();
      fmt::print("[{}/{}] {} ... ", i + 1, kSteps, kSequence[i].what);
      std::fflush(stdout);
      note_.clear();
      if (auto done = (this->*kSequence[i].step)(); !done) {
        fmt::print("{}\n", style_.paint(Colour::red, "failed"));
        return done;
      }
      std::chrono::duration<double> took = Clock::now() - begin;
      fmt::print("{} ({:.1f} s){}{}\n", style_.paint(Colour::green, "done"), took.count(),
                 note_.empty() ? "" : ": ", note_);
    }
    return show();
  }

 private:
  std::string pki() const { return prefix_ + "/pki"; }
  std::string conf() const { return prefix_ + "/sallyport.conf"; }
  std::string echo_prefix() const { return prefix_ + "/echo"; }
  std::string node_prefix() const { return prefix_ + "/gateway"; }

  // A child of ours, with our own binary; its words become the error.
  Result<std::string> command(std::vector<std::string> arguments) {
    std::string name = arguments.front();
    arguments.insert(arguments.begin(), own_binary());
    auto done = setup::run(arguments);
    if (!done) return fail(done.error());
    if (done->exit_code != 0) {
      return fail("quickstart.step", Side::config,
                  fmt::format("`sallyport {}` failed: {}", name, text::trim(done->output)));
    }
    return done->output;
  }

  Result<void> prepare() {
    if (auto fit = check_prefix(prefix_); !fit) return fit;
    if (auto made = make_directories(prefix_, 0755); !made) {
      Error error = made.error();
      error.remedy = "choose another directory with --prefix";
      return fail(std::move(error));
    }
    auto cluster = setup::PrivateCluster::at(prefix_ + "/postgres", options_.postgres_bin);
    if (!cluster) return fail(cluster.error());
    cluster_ = std::move(*cluster);

    std::string mark = prefix_ + "/" + std::string(kMark);
    QuickstartPorts last = parse_quickstart_ports(read_file(mark).value_or("{}"));
    QuickstartRunning running = {PidFile::owner(node_prefix()).has_value(), cluster_->running(),
                                 PidFile::owner(echo_prefix()).has_value()};
    auto ports = choose_quickstart_ports(options_.ports, last, running, note_);
    if (!ports) return fail(ports.error());
    ports_ = *ports;
    if (auto ended = end_what_moves(last); !ended) return ended;
    return write_file_atomically(mark, quickstart_ports_text(ports_), 0644);
  }

  // What gets other ports than those of the last run starts anew; nothing else does.
  Result<void> end_what_moves(const QuickstartPorts& last) {
    bool node = ports_.proxy != last.proxy || ports_.admin != last.admin ||
                ports_.status != last.status || ports_.database != last.database;
    if (node) {
      if (auto ended = end_process(node_prefix(), "the gateway"); !ended) return ended;
    }
    if (ports_.echo != last.echo) {
      if (auto ended = end_process(echo_prefix(), "the echo upstream"); !ended) return ended;
    }
    return ports_.database == last.database ? Result<void>() : cluster_->stop();
  }

  Result<void> make_certificates() {
    pki::HierarchyOptions options;
    options.directory = pki();
    options.user = "kong";
    options.server_names = {"localhost", "127.0.0.1", "::1"};
    auto made = pki::make_hierarchy(options);
    if (made) return {};
    if (made.error().code == "pki.exists") {
      note_ = "kept those of the last run";
      return {};
    }
    return fail(made.error());
  }

  Result<void> make_cluster() {
    auto made = cluster_->make();
    if (!made) return fail(made.error());
    if (!*made) note_ = "kept that of the last run";
    if (auto started = cluster_->start(ports_.database); !started) return started;
    return cluster_->make_database("kong", "kong");
  }

  Result<void> secure_cluster() {
    auto server = setup::find_server(cluster_->data_directory(), "");
    if (!server) return fail(server.error());
    auto hierarchy = pki::Hierarchy::open(pki());
    if (!hierarchy) return fail(hierarchy.error());
    setup::ServerRequest request;
    request.rules.databases = {"all"};
    request.rules.roles = {"all"};
    request.files = {hierarchy->path("server.crt"), hierarchy->path("server.key"),
                     hierarchy->trust_for_server(), "", ""};
    auto plan = setup::plan(*server, request);
    if (!plan) return fail(plan.error());
    for (const setup::FileFault& fault : plan->faults) {
      if (fault.fatal) return fail("quickstart.tls", Side::config, fault.text, fault.remedy);
    }
    if (plan->empty()) {
      // A run that was cut off may have written them, and not more.
      auto read = setup::has_read(*server, *plan);
      if (!read) return fail(read.error());
      return *read ? Result<void>() : setup::reload(*server);
    }
    auto report = setup::apply(*server, *plan);
    if (!report) return fail(report.error());
    return {};
  }

  std::string conf_text() const {
    return fmt::format(
        "# Written by sallyport quickstart.\n"
        "prefix = {0}\n"
        "proxy_listen = 127.0.0.1:{1}\nadmin_listen = 127.0.0.1:{2}\nstatus_listen = "
        "127.0.0.1:{3}\n"
        "\ndatabase = postgres\npg_host = localhost\npg_port = {4}\npg_user = kong\n"
        "pg_database = kong\n\n"
        "pg_ssl = on\npg_ssl_required = on\npg_ssl_verify = on\npg_ssl_version = tlsv1_3\n"
        "pg_ssl_cert = {5}/client.crt\npg_ssl_cert_key = {5}/client.key\n"
        "lua_ssl_trusted_certificate = {5}/chain.crt\n",
        node_prefix(), ports_.proxy, ports_.admin, ports_.status, ports_.database, pki());
  }

  Result<void> migrate() {
    if (auto written = write_file_atomically(conf(), conf_text(), 0644); !written) return written;
    auto done = command({"migrations", "bootstrap", "-c", conf()});
    if (!done) return fail(done.error());
    return {};
  }

  Result<void> start_echo() {
    if (PidFile::owner(echo_prefix())) {
      note_ = "runs already";
      return {};
    }
    auto done = command({"echo", "--port", std::to_string(ports_.echo), "-p", echo_prefix()});
    if (!done) return fail(done.error());
    return {};
  }

  Result<void> start_gateway() {
    if (PidFile::owner(node_prefix())) {
      note_ = "runs already";
      return {};
    }
    auto done = command({"start", "-c", conf()});
    if (!done) return fail(done.error());
    return {};
  }

  // One that a run which was cut off has just started is not up yet.
  Result<http::BufferedResponse> ask_admin(const http::BufferedRequest& request) {
    for (TimePoint deadline = Clock::now() + kUp;; usleep(50'000)) {
      auto response = ask(static_cast<uint16_t>(ports_.admin), request);
      if (response || response.error().code != "client.connect" || Clock::now() > deadline) {
        return response;
      }
    }
  }

  Result<void> put(const std::string& target, const Json& body) {
    http::BufferedRequest request;
    request.method = "PUT";
    request.target = target;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = to_text(body);
    auto response = ask_admin(request);
    if (!response) return fail(response.error());
    if (response->status / 100 == 2) return {};
    return fail("quickstart.admin", Side::config,
                fmt::format("PUT {}: {} {}", target, response->status, response->body));
  }

  Result<void> configure() {
    if (auto done =
            put("/services/echo", {{"url", fmt::format("http://127.0.0.1:{}", ports_.echo)}});
        !done) {
      return done;
    }
    return put("/services/echo/routes/hello", {{"paths", {"/hello"}}});
  }

  Result<http::BufferedResponse> first_answer() {
    http::BufferedRequest request;
    request.method = "GET";
    request.target = "/hello/world?from=quickstart";
    // The change travels through the database, like any other: a few milliseconds.
    for (int tries = 0;; ++tries) {
      auto response = ask(static_cast<uint16_t>(ports_.proxy), request);
      if (!response || response->status == 200 || tries == 100) return response;
      usleep(10'000);
    }
  }

  Result<void> show() {
    fmt::print("\n{}\n", style_.paint(Colour::bold, "The link, as the doctor sees it"));
    std::fflush(stdout);
    auto doctor = setup::run({own_binary(), "doctor", "-c", conf()}, std::nullopt, /*show=*/true);
    if (!doctor) return fail(doctor.error());

    fmt::print("\n{}\n", style_.paint(Colour::bold, "A request through the gateway"));
    auto answer = first_answer();
    if (!answer) return fail(answer.error());
    fmt::print("$ curl -i 'http://127.0.0.1:{}/hello/world?from=quickstart'\nHTTP/1.1 {} {}\n",
               ports_.proxy, answer->status, http::reason_phrase(answer->status));
    for (const auto& [name, value] : answer->headers) fmt::print("{}: {}\n", name, value);
    fmt::print("\n{}\n", answer->body);
    if (answer->status != 200) {
      return fail("quickstart.request", Side::internal,
                  fmt::format("the request was answered with {}", answer->status));
    }
    print_next_steps();
    return {};
  }

  void print_next_steps() {
    std::string own = own_binary();
    fmt::print("\n{}\n", style_.paint(Colour::bold, "What runs now"));
    fmt::print("  proxy       http://127.0.0.1:{}\n  Admin API   http://127.0.0.1:{}\n",
               ports_.proxy, ports_.admin);
    fmt::print("  Status API  http://127.0.0.1:{}/status\n  PostgreSQL  127.0.0.1:{}, {}\n",
               ports_.status, ports_.database, cluster_->data_directory());
    fmt::print("  settings    {}\n  keys        {}\n", conf(), pki());
    fmt::print("\n{}\n", style_.paint(Colour::bold, "Next"));
    std::string where =
        prefix_ == default_quickstart_prefix() ? "" : " --prefix " + shell_word(prefix_);
    fmt::print("  stop it      {} quickstart{} --stop\n", own, where);
    fmt::print("  remove it    {} quickstart{} --reset\n", own, where);
    fmt::print("  your own database: copy {} to kong.conf, change the pg_* lines, then\n",
               shell_word(conf()));
    fmt::print(
        "    {0} doctor -c kong.conf\n    {0} migrations bootstrap -c kong.conf\n"
        "    {0} start -c kong.conf\n",
        own);
  }

  QuickstartOptions options_;
  std::string prefix_;
  TextStyle style_;
  std::string note_;  // behind "done"
  QuickstartPorts ports_;
  std::optional<setup::PrivateCluster> cluster_;
};

}  // namespace

std::string default_quickstart_prefix() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): commands have one thread.
  const char* home = std::getenv("HOME");
  if (geteuid() == 0 || home == nullptr) return "/var/lib/sallyport/quickstart";
  return std::string(home) + "/.local/share/sallyport/quickstart";
}

Result<void> quickstart(const QuickstartOptions& options) {
  return Quickstart(options).run();
}

Result<void> quickstart_stop(const std::string& prefix, const std::string& postgres_bin) {
  if (auto ended = end_process(prefix + "/gateway", "the gateway"); !ended) return ended;
  if (auto ended = end_process(prefix + "/echo", "the echo upstream"); !ended) return ended;
  if (access((prefix + "/postgres/data").c_str(), F_OK) != 0) return {};
  auto cluster = setup::PrivateCluster::at(prefix + "/postgres", postgres_bin);
  if (!cluster) return fail(cluster.error());
  return cluster->stop();
}

Result<void> quickstart_reset(const std::string& prefix, const std::string& postgres_bin) {
  if (access((prefix + "/" + std::string(kMark)).c_str(), F_OK) != 0) {
    return fail("quickstart.not_ours", Side::config,
                fmt::format("{} was not made by quickstart (it has no {})", prefix, kMark));
  }
  if (auto stopped = quickstart_stop(prefix, postgres_bin); !stopped) return stopped;
  std::error_code error;
  std::filesystem::remove_all(prefix, error);
  if (!error) return {};
  return fail("quickstart.reset", Side::config,
              fmt::format("cannot remove {}: {}", prefix, error.message()));
}

}  // namespace sallyport::app
