#include "doctor/probe.h"

#include <memory>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "postgres/certificate_facts.h"

namespace sallyport::doctor {
namespace {

// Length 8, then the request code 80877103 (PostgreSQL: "SSLRequest").
constexpr std::string_view kSslRequest{"\0\0\0\x08\x04\xd2\x16\x2f", 8};
// After the handshake a server that refuses the certificate says so at once; one that takes it
// waits for the startup packet, which never comes. Longer than any round trip worth using.
constexpr Milliseconds kRefusalWait{700};
constexpr size_t kMaxChain = 32;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, Deleter<SSL_free>>;
std::string openssl_reason() {
  std::string reason;
  while (unsigned long code = ERR_get_error()) {
    const char* text = ERR_reason_error_string(code);
    if (reason.empty()) reason = text ? text : fmt::format("error {:08x}", code);
  }
  return reason;
}

int note_certificate_request(SSL* ssl, X509**, EVP_PKEY**) {
  auto* out = static_cast<Probe*>(SSL_get_app_data(ssl));
  out->certificate_requested = true;
  return 0;  // go on without one
}

void use_identity(SSL_CTX* context, const ProbeIdentity& identity) {
  for (size_t i = 0; i < identity.chain.size(); ++i) {
    if (i == 0) {
      SSL_CTX_use_certificate(context, identity.chain[i].native());
    } else {
      SSL_CTX_add1_chain_cert(context, identity.chain[i].native());
    }
  }
  SSL_CTX_use_PrivateKey(context, identity.key.native());
}

// Everything that any server may speak is allowed, so that it can be named.
Context make_context(const ProbeOptions& options) {
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  int lowest = options.version != 0 ? options.version : TLS1_VERSION;
  SSL_CTX_set_min_proto_version(context.get(), lowest);
  SSL_CTX_set_max_proto_version(context.get(), options.version);
  SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_client_cert_cb(context.get(), note_certificate_request);
  if (options.identity != nullptr) use_identity(context.get(), *options.identity);
  return context;
}

// The name for SNI: host names only, never address literals (RFC 6066, 3).
bool is_name(const std::string& host) {
  return host.find(':') == std::string::npos &&
         host.find_first_not_of("0123456789.") != std::string::npos;
}

class Handshake {
 public:
  Handshake(Wire& wire, Probe& out, const ProbeOptions& options)
      : wire_(wire),
        out_(out),
        deadline_(options.deadline),
        context_(make_context(options)),
        tls_(SSL_new(context_.get())) {
    SSL_set_app_data(tls_.get(), &out_);
    SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (is_name(out_.target.host)) SSL_set_tlsext_host_name(tls_.get(), out_.target.host.c_str());
    SSL_set_connect_state(tls_.get());
  }

  bool run() {
    bool done = drive([](SSL* ssl) { return SSL_do_handshake(ssl); }, deadline_);
    collect();
    return done;
  }

  // Waits for a refusal that arrives behind the handshake (TLS 1.3).
  void await_refusal() {
    char byte;
    auto until = std::min(deadline_, Clock::now() + kRefusalWait);
    drive([&byte](SSL* ssl) { return SSL_read(ssl, &byte, 1); }, until);
    bool silent = out_.stop == Stop::timeout;
    if (!silent)
      out_.identity_refused = out_.tls_error.empty() ? out_.system_error : out_.tls_error;
    out_.stop = Stop::none;
    out_.tls_error.clear();
    out_.system_error.clear();
  }

 private:
  bool flush(TimePoint deadline) {
    char buffer[16384];
    int n;
    while ((n = BIO_read(SSL_get_wbio(tls_.get()), buffer, sizeof buffer)) > 0) {
      if (!wire_.send({buffer, static_cast<size_t>(n)}, deadline)) return false;
    }
    return true;
  }

  bool stopped() {
    out_.stop = wire_.stop();
    out_.system_error = wire_.error();
    return false;
  }

  // Repeats `step` until it succeeds, feeding it what arrives.
  template <typename Step>
  bool drive(Step step, TimePoint deadline) {
    for (;;) {
      ERR_clear_error();
      int result = step(tls_.get());
      int error = SSL_get_error(tls_.get(), result);
      std::string reason = result > 0 ? std::string() : openssl_reason();
      bool sent = flush(deadline);
      if (result > 0) return true;
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        out_.tls_error = reason;
        out_.stop = Stop::other;
        return false;
      }
      if (!sent) return stopped();
      std::string bytes;
      if (!wire_.receive(bytes, 16384, deadline)) return stopped();
      BIO_write(SSL_get_rbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
  }

  void collect() {
    if (STACK_OF(X509)* chain = SSL_get_peer_cert_chain(tls_.get())) {
      for (int i = 0; i < sk_X509_num(chain) && out_.chain.size() < kMaxChain; ++i) {
        out_.chain.push_back(pki::Certificate::from_native(sk_X509_value(chain, i)));
      }
    }
    if (const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(tls_.get())) {
      for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
        out_.acceptable_issuers.push_back(postgres::name_text(sk_X509_NAME_value(names, i)));
      }
    }
    if (!SSL_is_init_finished(tls_.get())) return;
    out_.version = SSL_get_version(tls_.get());
    out_.cipher = SSL_get_cipher_name(tls_.get());
    if (int group = SSL_get_negotiated_group(tls_.get()); group > 0) {
      if (const char* name = SSL_group_to_name(tls_.get(), group)) out_.group = name;
    }
  }

  Wire& wire_;
  Probe& out_;
  TimePoint deadline_;
  Context context_;
  Tls tls_;
};

bool ask_for_tls(Wire& wire, Probe& out, TimePoint deadline) {
  if (!wire.send(kSslRequest, deadline) || !wire.receive(out.answer_bytes, 512, deadline)) {
    return false;
  }
  switch (out.answer_bytes.front()) {
    case 'S':
      out.answer = SslAnswer::yes;
      break;
    case 'N':
      out.answer = SslAnswer::no;
      break;
    case 'E':
      out.answer = SslAnswer::error;
      break;
    default:
      out.answer = SslAnswer::other;
  }
  if (out.answer != SslAnswer::yes) return false;
  out.injected = out.answer_bytes.size() > 1;
  out.reach = Reach::answered;
  return true;
}

Milliseconds since(TimePoint start) {
  return std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
}

}  // namespace

Probe probe(const ProbeTarget& target, const ProbeOptions& options) {
  Probe out;
  out.target = target;
  Wire wire;
  auto start = Clock::now();
  bool up = wire.connect(target.address, target.port, options.deadline);
  out.connect_time = since(start);
  if (up) out.reach = Reach::connected;
  bool agreed = up && ask_for_tls(wire, out, options.deadline);
  out.stop = wire.stop();
  out.system_error = wire.error();
  // Bytes behind the `S` are proof enough; TLS with whoever sent them shows nothing more.
  if (!agreed || out.injected) return out;
  start = Clock::now();
  Handshake handshake(wire, out, options);
  if (!handshake.run()) {
    if (options.identity != nullptr) out.identity_refused = out.tls_error;
    return out;
  }
  out.handshake_time = since(start);
  out.reach = Reach::secured;
  if (options.identity != nullptr) handshake.await_refusal();
  return out;
}

std::string printable(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace sallyport::doctor
