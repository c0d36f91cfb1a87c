#include "proxy/upstream_tls.h"

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "proxy/upstream_pool.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

using Kind = net::TlsFault::Kind;

// One line for a failure of which there may be many.
void log_fault(const model::Service& service, const AddressPool& pool, std::string_view reason,
               Kind kind) {
  const std::string_view remedy = remedy_of(kind);
  const std::string& name = pool.tls()->server_name;
  log::error("service {}: TLS with {}{}{}: {}{}{}",
             service.name.empty() ? service.id : service.name, pool.address().text(),
             name.empty() ? "" : " as ", name, reason, remedy.empty() ? "" : ". ", remedy);
}

int error_of(Kind kind) {
  switch (kind) {
    case Kind::wrong_name:
      return EKEYREJECTED;
    case Kind::untrusted:
    case Kind::chain_too_long:
    case Kind::out_of_date:
      return EKEYREVOKED;
    default:
      return EPROTO;
  }
}

}  // namespace

void log_tls_fault(const model::Service& service, const net::Stream& stream,
                   const AddressPool& pool) {
  const net::TlsFault* fault = stream.tls_fault();
  if (fault != nullptr) log_fault(service, pool, fault->text, fault->kind);
}

UpstreamTls UpstreamTls::of(const runtime::ServiceTarget& target, std::string server_name) {
  const model::Service& service = *target.service;
  UpstreamTls out{.server_name = std::move(server_name),
                  .verify = service.tls_verify,
                  .verify_depth = service.tls_verify_depth,
                  .authorities = target.authorities,
                  .identity = target.identity};
  if (!out.verify) {
    out.verify_depth = -1;
    out.authorities = nullptr;
  }
  return out;
}

void UpstreamTls::append_key(std::string& out) const {
  fmt::format_to(std::back_inserter(out), "|{}{}|{}|{}|", verify ? 'v' : 'n', verify_depth,
                 static_cast<const void*>(authorities.get()),
                 static_cast<const void*>(identity.get()));
  out += server_name;
}

std::string_view remedy_of(Kind kind) {
  switch (kind) {
    case Kind::untrusted:
      return "Name the root authority of its certificate in the service's ca_certificates, or in "
             "lua_ssl_trusted_certificate: an intermediate alone anchors nothing";
    case Kind::chain_too_long:
      return "Raise the service's tls_verify_depth, or lua_ssl_verify_depth";
    case Kind::out_of_date:
      return "Its certificate needs renewing, or a clock is wrong";
    case Kind::wrong_name:
      return "The host of the service, or what preserve_host makes of it, must be a name of its "
             "certificate";
    case Kind::refused_certificate:
      return "The upstream wants another client certificate: see client_certificate of the service "
             "and of the upstream";
    case Kind::no_tls:
      return "The upstream speaks no TLS on this port: see the service's protocol and port";
    case Kind::no_agreement:
      return "No TLS version or cipher in common: see lua_ssl_protocols";
    default:
      return "";
  }
}

Task<int> secure(Worker& worker, net::Stream& stream, AddressPool& pool,
                 const model::Service& service, uint32_t timeout_ms) {
  const UpstreamTls& demands = *pool.tls();
  const int depth =
      demands.verify_depth >= 0 ? demands.verify_depth : worker.options().upstream_verify_depth;
  if (!stream.connect_tls(worker.upstream_tls(), {.server_name = demands.server_name,
                                                  .verify = demands.verify,
                                                  .verify_depth = depth,
                                                  .authorities = demands.authorities.get(),
                                                  .identity = demands.identity.get(),
                                                  .session = &pool.session(),
                                                  .http2 = pool.http2()})) {
    co_return ENOMEM;
  }
  const net::IoStatus status = co_await stream.handshake(timeout_ms);
  if (status == net::IoStatus::ok) co_return 0;
  if (worker.stopping()) co_return ECANCELED;
  if (status == net::IoStatus::timed_out) {
    log_fault(service, pool, "no answer within connect_timeout", Kind::other);
    co_return ETIME;
  }
  if (const net::TlsFault* fault = stream.tls_fault()) {
    log_fault(service, pool, fault->text, fault->kind);
    co_return error_of(fault->kind);
  }
  log_fault(service, pool, "the upstream hung up in the handshake", Kind::closed);
  co_return EPROTO;
}

}  // namespace sallyport::proxy
