// What TLS to one upstream address demands and shows, apart from the address. Part of what tells
// one pool of connections from another.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/task.h"
#include "net/key_pair.h"
#include "net/stream.h"
#include "net/trust_store.h"
#include "runtime/snapshot.h"

namespace sallyport::proxy {

class Worker;
class AddressPool;

struct UpstreamTls {
  std::string server_name;  // whom TLS asks for; "" for none
  bool verify = false;      // the certificate: the chain and the name
  int verify_depth = -1;    // intermediates; -1: the node's
  std::shared_ptr<const net::TrustStore> authorities = {};  // null: the node's
  std::shared_ptr<const net::KeyPair> identity = {};        // null: the node's

  // Of a service, for the host that a connection is made for.
  static UpstreamTls of(const runtime::ServiceTarget& target, std::string server_name);
  // Different where a connection would be; the objects behind the pointers must live.
  void append_key(std::string& out) const;
};

// Does the handshake for a connection of the pool that is open, within `timeout_ms`; `service` is
// who the log names. 0, or an errno, and then the stream is of no use. Why is in the log already
// with ETIME (no answer in time), EKEYREJECTED (its certificate is for other names), EKEYREVOKED
// (it does not pass otherwise) and EPROTO. The pool outlives the stream.
Task<int> secure(Worker& worker, net::Stream& stream, AddressPool& pool,
                 const model::Service& service, uint32_t timeout_ms);

// Says what TLS has to say about a connection that broke after the handshake, if anything: under
// TLS 1.3 a server refuses a client's certificate only then.
void log_tls_fault(const model::Service& service, const net::Stream& stream,
                   const AddressPool& pool);

// What to do about a fault, for the log; "" for nothing that is known.
std::string_view remedy_of(net::TlsFault::Kind kind);

}  // namespace sallyport::proxy
