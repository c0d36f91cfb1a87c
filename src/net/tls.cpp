#include "net/tls.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/address.h"

namespace sallyport::net {
namespace {

constexpr unsigned char kHttp2Only[] = {2, 'h', '2'};  // RFC 7301 section 3.1

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::unexpected<Error> tls_error(std::string_view what) {
  char reason[256] = "no reason given";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    ERR_error_string_n(code, reason, sizeof(reason));
  }
  ERR_clear_error();
  return fail("net.tls", Side::config, std::string(what) + ": " + reason);
}

BioPtr memory(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

Result<void> use_chain(SSL_CTX* context, std::string_view pem) {
  BioPtr bio = memory(pem);
  X509Ptr leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return tls_error("the server certificate cannot be used");
  }
  while (X509* above = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, above) != 1) {
      X509_free(above);
      return tls_error("the chain of the server certificate cannot be used");
    }
  }
  ERR_clear_error();  // the end of the text is no error
  return {};
}

// A key behind a pass phrase must not make a server ask on its terminal.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

Result<void> use_key(SSL_CTX* context, const Secret& pem) {
  BioPtr bio = memory(pem.reveal());
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_pass_phrase, nullptr), &EVP_PKEY_free);
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return tls_error("the key of the server certificate cannot be used");
  }
  return {};
}

// RFC 6066 section 3: names only in SNI.
bool name_server(SSL* ssl, const std::string& name, bool verify) {
  X509_VERIFY_PARAM* demands = SSL_get0_param(ssl);
  if (IpAddress::parse(name)) {
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(demands, name.c_str()) == 1;
  }
  if (verify) {
    X509_VERIFY_PARAM_set_hostflags(demands, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(demands, name.data(), name.size()) != 1) return false;
  }
  return SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

Result<void> trust(SSL_CTX* context, std::string_view authorities) {
  if (authorities.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return tls_error("the system's trusted certificates cannot be read");
  }
  BioPtr bio = memory(authorities);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    const X509Ptr owned(certificate, &X509_free);
    if (X509_STORE_add_cert(store, certificate) != 1) {
      return tls_error("a trusted certificate cannot be used");
    }
    ++count;
  }
  if (count == 0) return tls_error("there is no trusted certificate");
  // One that is named is trusted, whether or not it is a root.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return {};
}

Result<void> demand_clients(SSL_CTX* context, std::string_view authorities) {
  if (auto trusted = trust(context, authorities); !trusted) return trusted;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  return {};
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle connection gives OpenSSL's own buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record with its header and tag fills one block and not a bit of a second.
  SSL_CTX_set_max_send_fragment(context, kBlockSize - 256);
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::server(std::string_view chain_pem,
                                                             const Secret& key_pem,
                                                             std::string_view client_authorities) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (context == nullptr) return tls_error("OpenSSL does not start");
  set_common(context.get());
  if (auto used = use_chain(context.get(), chain_pem); !used) return fail(used.error());
  if (auto used = use_key(context.get(), key_pem); !used) return fail(used.error());
  SSL_CTX_set_alpn_select_cb(context.get(), &TlsFilter::choose_protocol, nullptr);
  // Tickets resume sessions on any worker; a cache in memory would need a lock.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (!client_authorities.empty()) {
    if (auto set = demand_clients(context.get(), client_authorities); !set) {
      return fail(set.error());
    }
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release(), true));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const ClientTls& options) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (context == nullptr) return tls_error("OpenSSL does not start");
  set_common(context.get());
  SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.verify) {
    if (options.verify_depth >= 0) SSL_CTX_set_verify_depth(context.get(), options.verify_depth);
    if (auto trusted = trust(context.get(), options.authorities); !trusted) {
      return fail(trusted.error());
    }
  }
  if (!options.chain_pem.empty() && options.key_pem != nullptr) {
    if (auto used = use_chain(context.get(), options.chain_pem); !used) return fail(used.error());
    if (auto used = use_key(context.get(), *options.key_pem); !used) return fail(used.error());
  }
  return std::shared_ptr<const TlsContext>(
      new TlsContext(context.release(), false, options.verify));
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

std::unique_ptr<TlsFilter> TlsFilter::create(const TlsContext& context, BlockPool& blocks,
                                             std::string_view server_name, bool offer_http2) {
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<TlsFilter> filter(new TlsFilter(ssl, blocks));
  BIO* bio = make_bio(filter.get());
  if (bio == nullptr) return nullptr;
  SSL_set_bio(ssl, bio, bio);
  filter->offers_http2_ = offer_http2;
  SSL_set_app_data(ssl, filter.get());
  if (context.is_server()) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
    // Zero is success here.
    if (offer_http2 && SSL_set_alpn_protos(ssl, kHttp2Only, sizeof(kHttp2Only)) != 0)
      return nullptr;
    if (!server_name.empty() && !name_server(ssl, std::string(server_name), context.verifies())) {
      return nullptr;
    }
  }
  return filter;
}

TlsFilter::~TlsFilter() {
  SSL_free(ssl_);
}

// No protocol in common: RFC 7301 wants an alert, browsers and Kong's users are better served by
// HTTP/1.1 without ALPN, as nginx does it.
int TlsFilter::choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                               const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
  constexpr size_t kHttp2 = 3;
  const auto* filter = static_cast<const TlsFilter*>(SSL_get_app_data(ssl));
  const size_t skipped = filter->offers_http2_ ? 0 : kHttp2;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kProtocols + skipped,
                            static_cast<unsigned int>(sizeof(kProtocols) - 1 - skipped), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

bool TlsFilter::http2() const {
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &chosen, &size);
  return size == 2 && std::memcmp(chosen, "h2", 2) == 0;
}

bool TlsFilter::receive(BlockPtr ciphertext, BlockQueue& plain) {
  input_.push(std::move(ciphertext));
  return read_plaintext(plain) && write_plaintext();
}

bool TlsFilter::read_plaintext(BlockQueue& plain) {
  ERR_clear_error();
  for (;;) {
    BlockPtr block = blocks_.take();
    size_t size = 0;
    const int done = SSL_read_ex(ssl_, block->bytes(), block->capacity, &size);
    if (done == 1) {
      block->end = static_cast<uint32_t>(size);
      plain.push(std::move(block));
      continue;
    }
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        return true;
      case SSL_ERROR_ZERO_RETURN:
        peer_finished_ = true;
        return true;
      default:
        ERR_clear_error();
        return false;
    }
  }
}

bool TlsFilter::send(BlockPtr plaintext) {
  pending_.push(std::move(plaintext));
  return write_plaintext();
}

void TlsFilter::set_verify_depth(int depth) {
  SSL_set_verify_depth(ssl_, depth);
}

void TlsFilter::start() {
  ERR_clear_error();
  SSL_do_handshake(ssl_);
}

bool TlsFilter::write_plaintext() {
  if (!SSL_is_init_finished(ssl_)) return true;
  ERR_clear_error();
  while (const Block* block = pending_.front()) {
    size_t written = 0;
    if (SSL_write_ex(ssl_, block->bytes() + block->begin, block->size(), &written) != 1) {
      ERR_clear_error();
      return false;
    }
    pending_.consume(written);
  }
  return true;
}

void TlsFilter::close_notify() {
  if (!SSL_is_init_finished(ssl_)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

std::string_view TlsFilter::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

// OpenSSL reads and writes blocks directly: no copy through a memory BIO's own buffer.
BIO* TlsFilter::make_bio(TlsFilter* filter) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "blocks");
    BIO_meth_set_read(made, &TlsFilter::bio_read);
    BIO_meth_set_write(made, &TlsFilter::bio_write);
    BIO_meth_set_ctrl(made, &TlsFilter::bio_control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, filter);
  BIO_set_init(bio, 1);
  return bio;
}

int TlsFilter::bio_read(BIO* bio, char* out, int size) {
  auto* self = static_cast<TlsFilter*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const Block* block = self->input_.front();
  if (block == nullptr) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t count = std::min<size_t>(static_cast<size_t>(size), block->size());
  std::memcpy(out, block->bytes() + block->begin, count);
  self->input_.consume(count);
  return static_cast<int>(count);
}

int TlsFilter::bio_write(BIO* bio, const char* data, int size) {
  auto* self = static_cast<TlsFilter*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  std::string_view rest(data, static_cast<size_t>(size));
  while (!rest.empty()) {
    BlockPtr block = self->blocks_.take();
    rest.remove_prefix(block->append(rest));
    self->output_.push(std::move(block));
  }
  return size;
}

long TlsFilter::bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP ? 1 : 0;
}

}  // namespace sallyport::net
