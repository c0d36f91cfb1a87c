#include "net/tls_filter.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <openssl/x509v3.h>

#include "base/ip_address.h"
#include "net/openssl_handles.h"

namespace sallyport::net {
namespace {

// RFC 6066 section 3: a HostName has no dot at its end.
std::string_view without_root(std::string_view name) {
  return name.size() > 1 && name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

// RFC 6066 section 3: names only in SNI, and none that is longer. What cannot be asked for by name
// is verified all the same: an odd Host field must not make a certificate good.
bool name_server(SSL* ssl, std::string_view server_name, bool verify) {
  X509_VERIFY_PARAM* demands = SSL_get0_param(ssl);
  const std::string name(without_root(server_name));
  if (const auto address = IpAddress::parse(name)) {
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(demands, address->text().c_str()) == 1;
  }
  if (verify) {
    X509_VERIFY_PARAM_set_hostflags(demands, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(demands, name.data(), name.size()) != 1) return false;
  }
  return name.size() > TLSEXT_MAXLEN_host_name || SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

bool make_demands(SSL* ssl, const TlsConnect& options) {
  if (!options.server_name.empty() && !name_server(ssl, options.server_name, options.verify)) {
    return false;
  }
  if (options.verify) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    if (options.verify_depth >= 0) SSL_set_verify_depth(ssl, options.verify_depth);
    if (options.authorities != nullptr && !options.authorities->judge_on(ssl)) return false;
  }
  if (options.identity != nullptr) {
    SSL_certs_clear(ssl);
    if (!options.identity->show_on(ssl)) return false;
  }
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  return !options.http2 || SSL_set_alpn_protos(ssl, kHttp2, sizeof(kHttp2)) == 0;
}

// What others have left in the thread's queue of errors would be taken for ours. Asking first is
// worth it: to clear the queue is to walk through all of it.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

std::unique_ptr<TlsFilter> TlsFilter::create(const TlsContext& context, BlockPool& blocks) {
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<TlsFilter> filter(new TlsFilter(ssl, blocks));
  BIO* bio = make_bio(filter.get());
  if (bio == nullptr) return nullptr;
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, filter.get());
  return filter;
}

std::unique_ptr<TlsFilter> TlsFilter::accept(const TlsContext& context, BlockPool& blocks,
                                             const TlsAccept& options) {
  auto filter = create(context, blocks);
  if (filter == nullptr) return nullptr;
  filter->offers_http_ = options.http;
  filter->offers_http2_ = options.http2;
  filter->certificates_ = options.certificates;
  SSL_set_accept_state(filter->ssl_);
  return filter;
}

std::unique_ptr<TlsFilter> TlsFilter::connect(const TlsContext& context, BlockPool& blocks,
                                              const TlsConnect& options) {
  auto filter = create(context, blocks);
  if (filter == nullptr) return nullptr;
  ERR_clear_error();
  SSL_set_connect_state(filter->ssl_);
  if (!make_demands(filter->ssl_, options)) {
    ERR_clear_error();
    return nullptr;
  }
  filter->session_ = options.session;
  if (options.session != nullptr) options.session->offer_on(filter->ssl_);
  SSL_do_handshake(filter->ssl_);
  return filter;
}

TlsFilter::~TlsFilter() {
  // Without the end of the stream a session is not resumed: OpenSSL marks it as bad.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

bool TlsFilter::established() const {
  return SSL_is_init_finished(ssl_) == 1;
}

std::string_view TlsFilter::version() const {
  return SSL_get_version(ssl_);
}

std::string_view TlsFilter::cipher() const {
  const char* name = SSL_get_cipher_name(ssl_);
  return name != nullptr ? name : "";
}

bool TlsFilter::resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

bool TlsFilter::http2() const {
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &chosen, &size);
  return size == 2 && std::memcmp(chosen, "h2", 2) == 0;
}

bool TlsFilter::receive(BlockPtr ciphertext, BlockQueue& plain) {
  if (beginning_size_ < beginning_.size()) {
    const std::string_view rest = ciphertext->view().substr(0, beginning_.size() - beginning_size_);
    beginning_size_ += static_cast<uint8_t>(rest.copy(&beginning_[beginning_size_], rest.size()));
  }
  input_.push(std::move(ciphertext));
  return read_plaintext(plain) && write_plaintext();
}

bool TlsFilter::read_plaintext(BlockQueue& plain) {
  forget_errors();
  for (;;) {
    BlockPtr block = blocks_.take();
    size_t size = 0;
    const int done = SSL_read_ex(ssl_, block->bytes(), block->capacity, &size);
    if (done == 1) {
      block->end = static_cast<uint32_t>(size);
      plain.push(std::move(block));
      // To be told that there is no more would cost half as much as the record has.
      if (input_.empty() && SSL_has_pending(ssl_) == 0) return true;
      continue;
    }
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        return true;
      case SSL_ERROR_ZERO_RETURN:
        peer_finished_ = true;
        return true;
      default:
        return broken();
    }
  }
}

// Registered methods are in capitals (RFC 9110 section 16.1), which no TLS record begins with.
bool TlsFilter::began_with_a_method() const {
  const std::string_view beginning(beginning_.data(), beginning_size_);
  const size_t end = std::min(beginning.find(' '), beginning.size());
  return end > 0 && std::all_of(beginning.begin(), beginning.begin() + end,
                                [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool TlsFilter::broken() {
  if (fault_ != nullptr) {
    ERR_clear_error();
    return false;
  }
  fault_ = std::make_unique<TlsFault>(read_tls_fault(ssl_));
  if (fault_->kind == TlsFault::Kind::no_tls && began_with_a_method()) {
    fault_->kind = TlsFault::Kind::plain_http;
  }
  if (session_ != nullptr) session_->forget();
  return false;
}

bool TlsFilter::send(BlockPtr plaintext) {
  pending_.push(std::move(plaintext));
  return write_plaintext();
}

bool TlsFilter::write_plaintext() {
  const bool nothing = pending_.empty() && !finishing_;
  if (nothing || !SSL_is_init_finished(ssl_)) return true;
  forget_errors();
  while (const Block* block = pending_.front()) {
    size_t written = 0;
    if (SSL_write_ex(ssl_, block->bytes() + block->begin, block->size(), &written) != 1) {
      return broken();
    }
    pending_.consume(written);
  }
  if (std::exchange(finishing_, false)) SSL_shutdown(ssl_);
  return true;
}

void TlsFilter::close_notify() {
  if (fault_ != nullptr) return;
  finishing_ = true;
  write_plaintext();
}

std::string_view TlsFilter::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? without_root(name) : "";
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
