// What the Admin API tells about this node besides its entities. The application implements it
// (app/); the Admin and the Status API read it on the control thread. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/log.h"

namespace sallyport::admin {

struct Pids {
  int64_t master = 0;
  std::vector<int64_t> workers = {};  // threads of ours: their kernel thread ids
};

// nginx's words, which Kong's answers use.
struct Counters {
  uint64_t connections_accepted = 0;
  uint64_t connections_handled = 0;
  uint64_t connections_active = 0;
  uint64_t connections_reading = 0;
  uint64_t connections_writing = 0;
  uint64_t connections_waiting = 0;
  uint64_t total_requests = 0;

  // Of stream listeners, when there are any.
  bool has_streams = false;
  uint64_t stream_connections = 0;
  uint64_t stream_active = 0;
  uint64_t udp_sessions = 0;
  uint64_t udp_active = 0;
  uint64_t stream_received = 0;  // bytes from clients
  uint64_t stream_sent = 0;      // and to them
};

// Bytes. `workers` is what Kong calls the memory of a worker's Lua machine: here the bytes that a
// worker holds (buffers, pools), one per worker in the order of Pids::workers; empty when only the
// whole process was measured.
struct Memory {
  std::vector<uint64_t> workers = {};
  uint64_t resident = 0;  // of the process
  uint64_t limit = 0;     // what the process may have: its cgroup's or the machine's
};

struct CertificateExpiry {
  std::string role = {};  // "server", "client", "authority"
  std::string subject = {};
  int64_t not_after = 0;  // Unix seconds
};

// The link to the configuration database.
struct LinkFacts {
  bool connected = false;
  int64_t since = 0;         // Unix seconds: of the connection, or of its loss
  std::string host = {};     // as configured
  std::string address = {};  // that it resolved to
  uint16_t port = 0;
  std::string server_version = {};
  bool tls = false;
  bool verified = false;  // chain and name were checked
  bool plain_fallback = false;
  std::string tls_version = {};
  std::string cipher = {};
  std::vector<CertificateExpiry> certificates = {};
  std::optional<int64_t> crl_next_update = {};
  std::optional<Error> last_error = {};
  int64_t last_error_at = 0;
};

// Where the change feed and the snapshot of the workers stand.
struct FeedFacts {
  int64_t sequence = 0;                  // the last change that the workers have
  uint64_t snapshot_version = 0;         // builds on this node
  int64_t built_at = 0;                  // Unix seconds
  int64_t last_contact = 0;              // when the feed last heard from the database
  std::vector<std::string> faults = {};  // parts that could not be built and keep their old form
};

struct PluginFacts {
  std::string name = {};
  std::string version = {};
  int priority = 0;
  bool has_behaviour = true;  // false: it can be configured, and this gateway cannot run it
};

class NodeInfo {
 public:
  virtual ~NodeInfo() = default;

  virtual std::string hostname() const = 0;
  virtual std::string node_id() const = 0;
  virtual Pids pids() const = 0;
  virtual Counters counters() const = 0;
  virtual Memory memory() const = 0;
  // Every directive as Kong shows it: typed values, lists as arrays, secrets "******".
  virtual Json configuration() const = 0;
  virtual std::vector<PluginFacts> plugins() const = 0;  // loaded on this node
  // Nothing when the node runs without a database.
  virtual std::optional<LinkFacts> link() const = 0;
  virtual FeedFacts feed() const = 0;
  // Of the link, in Prometheus' text format; "" without a database.
  virtual std::string link_metrics() const { return ""; }
  // Of the declarative configuration in use; nothing when the node has a database.
  virtual std::optional<std::string> configuration_hash() const { return std::nullopt; }
  // Of admin_gui_url: "https://host:port"; empty when it is not set.
  virtual std::vector<std::string> gui_origins() const { return {}; }
  // Nobody has said who may use the Admin API: see OwnPages::only_local.
  virtual bool admin_is_local() const { return false; }
  // Empty when this node can serve traffic; otherwise what it is waiting for.
  virtual std::string not_ready() const = 0;
  // From now on this node says that it is not ready, or that it is again.
  virtual void set_draining(bool draining) = 0;
  // For so many seconds; the configured level holds from then on.
  virtual void set_log_level(log::Level level, int64_t seconds) = 0;
};

}  // namespace sallyport::admin
