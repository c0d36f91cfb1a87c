#include "app/node.h"

#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "admin/own_pages.h"
#include "app/hostname.h"
#include "app/pid_file.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conf/display.h"
#include "model/plugin_declarations.h"
#include "net/tls_policy.h"
#include "plugins/all.h"
#include "postgres/link_metrics.h"

namespace sallyport::app {

std::string Node::hostname() const {
  return app::hostname();
}

admin::Pids Node::pids() const {
  admin::Pids pids;
  pids.master = getpid();
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    auto id = text::to_integer(entry.path().filename().string());
    if (id && *id != pids.master) pids.workers.push_back(*id);
  }
  return pids;
}

admin::Counters Node::counters() const {
  admin::Counters out;
  if (!parts_.gateway) return out;
  proxy::Counters now = parts_.gateway->counters();
  out.connections_accepted = now.connections_accepted;
  out.connections_handled = now.connections_handled;
  out.connections_active = now.connections_active;
  out.connections_reading = now.connections_reading;
  out.connections_writing = now.connections_writing;
  out.connections_waiting = now.connections_waiting;
  out.total_requests = now.total_requests;
  out.has_streams = now.has_streams;
  out.stream_connections = now.stream_connections;
  out.stream_active = now.stream_active;
  out.udp_sessions = now.udp_sessions;
  out.udp_active = now.udp_active;
  out.stream_received = now.stream_received;
  out.stream_sent = now.stream_sent;
  return out;
}

namespace {

// What this process may have: its control group's share, or the machine.
uint64_t memory_limit() {
  uint64_t limit =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    auto text = read_file(path, 64);
    auto bytes = text ? text::to_integer(text::trim(*text)) : std::nullopt;
    if (bytes && *bytes > 0) limit = std::min(limit, static_cast<uint64_t>(*bytes));
  }
  return limit;
}

}  // namespace

admin::Memory Node::memory() const {
  admin::Memory memory;
  auto statm = read_file("/proc/self/statm", 4096);
  if (!statm) return memory;
  auto fields = text::split(*statm, ' ');
  if (fields.size() > 1) {
    auto pages = text::to_integer(fields[1]).value_or(0);
    memory.resident = static_cast<uint64_t>(pages) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  memory.limit = memory_limit();
  return memory;
}

namespace {

using conf::Key;

std::optional<conf::CipherSuite> named_suite(const conf::Settings& settings) {
  const std::string& name = settings.string(Key::ssl_cipher_suite);
  if (name == "custom") return std::nullopt;
  const net::TlsPolicy policy =
      net::named_policy(name, {.dh_parameters = settings.display(Key::ssl_dhparam)});
  return conf::CipherSuite{.protocols = policy.protocols,
                           .ciphers = policy.ciphers,
                           .prefer_server_ciphers = policy.prefer_server_ciphers,
                           .dh_parameters = policy.dh_parameters};
}

// Kong's names for a node's files, where there is such a file: there is no nginx.conf.
void add_files(const conf::Settings& settings, Json& out) {
  const std::string& prefix = settings.string(Key::prefix);
  auto add = [&](const std::string& name, const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error)) out[name] = path.string();
  };
  auto log = [&](Key key) {
    const std::string& text = settings.string(key);
    return std::filesystem::path(prefix) / text.substr(0, text.find(' '));
  };
  add("nginx_pid", PidFile::path(prefix));
  add("nginx_acc_logs", log(Key::proxy_access_log));
  add("nginx_err_logs", log(Key::proxy_error_log));
  // All ssl listeners without a certificate of their own show these.
  for (const char* listener : {"", "admin_", "status_"}) {
    for (const auto& [kind, end] : {std::pair("", ""), std::pair("-ecdsa", "_ecdsa")}) {
      const std::string stem = fmt::format("{}/ssl/kong-default{}", prefix, kind);
      add(fmt::format("{}ssl_cert_default{}", listener, end), stem + ".crt");
      add(fmt::format("{}ssl_cert_key_default{}", listener, end), stem + ".key");
    }
  }
}

}  // namespace

Json Node::configuration() const {
  Json out = conf::to_json(*parts_.settings, named_suite(*parts_.settings));
  add_files(*parts_.settings, out);
  return out;
}

namespace {

void add_expiry(std::vector<admin::CertificateExpiry>& out, std::string_view role,
                const postgres::CertificateFacts& facts) {
  out.push_back({std::string(role), facts.subject, facts.not_after});
}

}  // namespace

std::optional<admin::LinkFacts> Node::link() const {
  if (!parts_.feed) return std::nullopt;
  postgres::LinkState state = parts_.feed->link();
  model::FeedState feed = parts_.feed->state();
  admin::LinkFacts facts;
  facts.connected = feed.connected;
  facts.since = feed.since;
  facts.host =
      state.host.empty() && !parts_.link.hosts.empty() ? parts_.link.hosts.front() : state.host;
  facts.address = state.address;
  facts.port = state.port ? state.port : parts_.link.port;
  facts.server_version = state.server_version;
  facts.tls = state.tls;
  facts.verified = state.tls && parts_.link.verify && parts_.link.verify_host;
  facts.plain_fallback = state.plain_fallback;
  facts.tls_version = state.tls_version;
  facts.cipher = state.cipher;
  for (size_t i = 0; i < state.server_chain.size(); ++i) {
    add_expiry(facts.certificates, i == 0 ? "server" : "authority", state.server_chain[i]);
  }
  if (state.client_certificate) add_expiry(facts.certificates, "client", *state.client_certificate);
  facts.crl_next_update = state.crl_next_update;
  if (!feed.last_error.empty()) {
    facts.last_error = Error{"link.feed", Side::database, Retry::later, feed.last_error, ""};
    facts.last_error_at = feed.last_error_at;
  }
  return facts;
}

std::vector<admin::PluginFacts> Node::plugins() const {
  std::vector<admin::PluginFacts> out;
  const plugin::Definitions definitions = plugins::all();
  for (const model::PluginDeclaration& plugin : model::plugin_declarations()) {
    if (!model::plugin_enabled(plugin.name)) continue;
    out.push_back({.name = plugin.name,
                   .version = plugin.version,
                   .priority = plugin.priority,
                   .has_behaviour = plugin::find(definitions, plugin.name) != nullptr});
  }
  return out;
}

admin::FeedFacts Node::feed() const {
  admin::FeedFacts facts;
  if (parts_.feed) facts.last_contact = parts_.feed->state().last_applied_at;
  if (parts_.snapshot) {
    facts.sequence = parts_.snapshot->sequence;
    facts.snapshot_version = parts_.snapshot->version;
  }
  facts.built_at = parts_.built_at;
  facts.faults = parts_.build_faults;
  return facts;
}

std::optional<std::string> Node::configuration_hash() const {
  if (!parts_.declared) return std::nullopt;
  return parts_.declared->configuration_hash();
}

std::string Node::link_metrics() const {
  if (!parts_.feed) return "";
  return postgres::link_metrics_text(parts_.feed->link(), unix_seconds());
}

std::vector<std::string> Node::gui_origins() const {
  return admin::origins_of(parts_.settings->list(conf::Key::admin_gui_url));
}

bool Node::admin_is_local() const {
  return !parts_.settings->is_set(conf::Key::admin_access_token_file) &&
         !parts_.settings->flag(conf::Key::admin_allow_insecure);
}

void Node::set_log_level(log::Level level, int64_t seconds) {
  log::set_level(level);
  parts_.log_level_until = Clock::now() + std::chrono::seconds(seconds);
}

std::string Node::not_ready() const {
  if (parts_.draining) return "draining";
  if (!parts_.snapshot) return "no configuration yet";
  if (configuration_hash() == admin::kNoConfigurationHash) {
    return "no configuration available (empty configuration present)";
  }
  return "";
}

Result<std::string> node_id(const conf::Settings& settings) {
  const std::string& configured = settings.string(conf::Key::node_id);
  if (!configured.empty()) return configured;
  std::string path = settings.string(conf::Key::prefix) + "/kong.id";
  if (auto content = read_file(path, 256)) {
    std::string id(text::trim(*content));
    if (is_uuid(id)) return id;
  }
  std::string id = new_uuid();
  if (auto written = write_file_atomically(path, id + "\n", 0644); !written) {
    return fail(written.error());
  }
  return id;
}

}  // namespace sallyport::app
