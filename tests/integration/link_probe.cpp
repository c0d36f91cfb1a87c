// Drives postgres::Connection for the integration tests: reads a kong.conf, then commands from
// standard input, one a line; answers each with one line of JSON.
//
//   open                    {"ok":…, "code":…, "text":…, "seconds":…, "cpu_ms":…, "state":{…}}
//   query SQL / run SQL     {"ok":…, "rows":[[…]]}
//   listen MS               {"ok":…, "notifications":[[channel, payload]…]}
//   age / usable / limit MS / close / counters
//   storm THREADS           {"ok":…, "opened":…}: as many threads, ten sessions each, at once
//   libpq FILE              {"ok":…, "cpu_ms":…}: what libpq alone spends with the trust file FILE
#include <atomic>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <libpq-fe.h>
#include <poll.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/loader.h"
#include "postgres/certificate_facts.h"
#include "postgres/connection.h"
#include "postgres/link_metrics.h"

using namespace sallyport;

namespace {

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

Json to_json(const postgres::LinkState& state) {
  Json chain = Json::array();
  for (const auto& facts : state.server_chain) chain.push_back(postgres::brief(facts));
  Json failed = Json::array();
  for (const auto& one : state.failed) {
    failed.push_back({one.host, one.address, static_cast<int>(one.stage), one.error});
  }
  return {{"host", state.host},
          {"address", state.address},
          {"stage", static_cast<int>(state.stage)},
          {"ssl_answer", state.ssl_answer ? std::string(1, state.ssl_answer) : ""},
          {"tls", state.tls},
          {"verified", state.verified},
          {"version", state.tls_version},
          {"cipher", state.cipher},
          {"chain", chain},
          {"client", state.client_certificate ? state.client_certificate->subject : ""},
          {"client_requested", state.client_certificate_requested},
          {"crl_next_update", state.crl_next_update.value_or(0)},
          {"verify_error", state.verify_error},
          {"verify_error_depth", state.verify_error_depth},
          {"server_version", state.server_version},
          {"plain_fallback", state.plain_fallback},
          {"read_only", state.read_only},
          {"used_password", state.used_password},
          {"sqlstate", state.sqlstate},
          {"failed", failed}};
}

Json failure(const Error& error) {
  return {{"ok", false}, {"code", error.code}, {"text", error.text()}};
}

class Probe {
 public:
  explicit Probe(postgres::LinkSettings settings) : settings_(std::move(settings)) {}

  Json answer(const std::string& line) {
    size_t blank = std::min(line.find(' '), line.size());
    std::string command = line.substr(0, blank);
    std::string rest(text::trim(std::string_view(line).substr(blank)));
    if (command == "open") return open();
    if (command == "counters") return counters();
    if (command == "storm") return storm(static_cast<int>(*text::to_integer(rest)));
    if (command == "libpq") return libpq_alone(rest);
    if (!link_) return {{"ok", false}, {"code", "probe.closed"}};
    if (command == "query") return query(rest);
    if (command == "listen") return listen(static_cast<int>(*text::to_integer(rest)));
    if (command == "run") return done(link_->run(rest));
    if (command == "limit") {
      return done(link_->limit_statements(Milliseconds(*text::to_integer(rest))));
    }
    if (command == "age") return {{"ok", true}, {"too_old", link_->too_old()}};
    if (command == "usable") return {{"ok", link_->usable()}};
    if (command == "close") {
      link_.reset();
      return {{"ok", true}};
    }
    return {{"ok", false}, {"code", "probe.command"}};
  }

 private:
  Json open() {
    link_.reset();
    postgres::LinkState state;
    TimePoint begin = Clock::now();
    double cpu = cpu_ms();
    auto opened = postgres::Connection::open(settings_, &state);
    double spent = cpu_ms() - cpu;
    std::chrono::duration<double> seconds = Clock::now() - begin;
    Json answer = opened ? Json{{"ok", true}} : failure(opened.error());
    answer["seconds"] = seconds.count();
    answer["cpu_ms"] = spent;
    answer["state"] = to_json(state);
    if (opened) link_ = std::move(*opened);
    return answer;
  }

  Json storm(int count) {
    std::atomic<int> opened = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 10; ++round) {
          postgres::LinkState state;
          auto link = postgres::Connection::open(settings_, &state);
          opened += link && state.verified && link->query("select 1") ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return {{"ok", opened == count * 10}, {"opened", opened.load()}};
  }

  Json libpq_alone(const std::string& trust_file) {
    std::string port = std::to_string(settings_.port);
    const char* keywords[] = {"host",     "hostaddr",   "port",     "user",
                              "password", "dbname",     "sslmode",  "sslrootcert",
                              "sslcert",  "gssencmode", "passfile", nullptr};
    const char* values[] = {settings_.hosts[0].c_str(),
                            "127.0.0.1",
                            port.c_str(),
                            settings_.user.c_str(),
                            settings_.password.reveal().c_str(),
                            settings_.database.c_str(),
                            "verify-full",
                            trust_file.c_str(),
                            "/nonexistent",
                            "disable",
                            "/nonexistent",
                            nullptr};
    double cpu = cpu_ms();
    PGconn* connection = PQconnectdbParams(keywords, values, 0);
    double spent = cpu_ms() - cpu;
    bool ok = PQstatus(connection) == CONNECTION_OK;
    Json answer = {{"ok", ok}, {"cpu_ms", spent}, {"text", PQerrorMessage(connection)}};
    PQfinish(connection);
    return answer;
  }

  Json query(const std::string& sql) {
    auto rows = link_->query(sql);
    if (!rows) {
      Json answer = failure(rows.error());
      answer["constraint"] = link_->constraint();
      answer["detail"] = link_->server_detail();
      return answer;
    }
    Json lines = Json::array();
    for (size_t row = 0; row < rows->size(); ++row) {
      Json values = Json::array();
      for (size_t column = 0; column < rows->columns(); ++column) {
        values.push_back(rows->is_null(row, column) ? Json() : Json(rows->at(row, column)));
      }
      lines.push_back(values);
    }
    return {{"ok", true}, {"rows", lines}, {"affected", rows->affected()}};
  }

  Json listen(int milliseconds) {
    pollfd wait{link_->socket(), POLLIN, 0};
    poll(&wait, 1, milliseconds);
    auto taken = link_->notifications();
    if (!taken) return failure(taken.error());
    Json list = Json::array();
    for (const auto& one : *taken) list.push_back({one.channel, one.payload});
    return {{"ok", true}, {"notifications", list}};
  }

  static Json counters() {
    return {{"ok", true}, {"text", postgres::link_metrics_text({}, unix_seconds())}};
  }

  static Json done(const Result<void>& result) {
    return result ? Json{{"ok", true}} : failure(result.error());
  }

  postgres::LinkSettings settings_;
  std::optional<postgres::Connection> link_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: link_probe KONG_CONF [once]\n";
    return 2;
  }
  conf::Sources sources;
  sources.path = argv[1];
  sources.environment = [](const char*) -> const char* { return nullptr; };
  conf::Loaded loaded = conf::load(sources);
  for (const conf::Fault& fault : loaded.faults) std::cout << fault.text() << '\n';
  if (!loaded.faults.empty()) return 2;
  auto role = argc > 2 && std::string(argv[2]) == "read_only" ? postgres::LinkRole::read_only
                                                              : postgres::LinkRole::main;
  auto settings = postgres::link_settings(loaded.settings, role);
  if (!settings) {
    std::cout << settings.error().text() << '\n';
    return 2;
  }
  Probe probe(std::move(*settings));
  if (argc > 2 && std::string(argv[2]) == "once") {
    Json answer = probe.answer("open");
    std::cout << to_text(answer) << '\n';
    return answer["ok"].get<bool>() ? 0 : 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << to_text(probe.answer(line)) << std::endl;
  }
}
