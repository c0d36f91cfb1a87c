// TLS on one stream: OpenSSL between its blocks of plaintext and its blocks of ciphertext, with no
// socket of its own. Belongs to the stream and its loop's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/block.h"
#include "net/sni_table.h"
#include "net/tls.h"
#include "net/tls_fault.h"
#include "net/tls_session.h"

struct ssl_st;
struct bio_st;

namespace sallyport::net {

// What a listener's connection adds to its context.
struct TlsAccept {
  bool http = true;                                 // HTTP/1 is offered by ALPN
  bool http2 = false;                               // as well
  const CertificateSource* certificates = nullptr;  // null: the context's own; outlives the stream
};

// What a connection to an upstream adds to its context; everything is done with when connect()
// returns, but for `session`.
struct TlsConnect {
  // Whom to ask for: the SNI, unless it is an address, and what the certificate must be for when
  // that is verified. "" for none.
  std::string_view server_name = {};
  bool verify = false;                      // the chain, and the name
  int verify_depth = -1;                    // intermediates; -1: OpenSSL's
  const TrustStore* authorities = nullptr;  // null: the context's
  const KeyPair* identity = nullptr;        // null: the context's
  TlsSession* session = nullptr;            // resumed from, and renewed; outlives the stream
  bool http2 = false;                       // h2, and nothing else, by ALPN
};

class TlsFilter {
 public:
  // Null when memory is short.
  static std::unique_ptr<TlsFilter> accept(const TlsContext& context, BlockPool& blocks,
                                           const TlsAccept& options);
  // Has the first output.
  static std::unique_ptr<TlsFilter> connect(const TlsContext& context, BlockPool& blocks,
                                            const TlsConnect& options);
  TlsFilter(const TlsFilter&) = delete;
  TlsFilter& operator=(const TlsFilter&) = delete;
  ~TlsFilter();

  // Received ciphertext in, plaintext into `plain`. What is to be sent for it (handshakes, alerts)
  // gathers, see take_output(). False when the connection is broken: see fault().
  bool receive(BlockPtr ciphertext, BlockQueue& plain);
  // Plaintext to send; waits inside while the handshake is under way. False when broken.
  bool send(BlockPtr plaintext);
  // Says that no more will be sent, once what waits for the handshake has been.
  void close_notify();

  // The next block of ciphertext to send, or null.
  BlockPtr take_output() { return output_.pop(); }
  // Plaintext that waits for the handshake, in bytes; the end counts as one.
  size_t waiting() const { return pending_.bytes() + (finishing_ ? 1 : 0); }

  // The handshake is done: this side knows whom it talks to.
  bool established() const;
  // Why the connection is broken; null while it is not.
  const TlsFault* fault() const { return fault_.get(); }
  // The peer has said that it will send no more.
  bool peer_finished() const { return peer_finished_; }
  // What a client asked for by SNI, without the dot of the root; "" for none.
  std::string_view server_name() const;
  // What ALPN came to, once plaintext has come or gone.
  bool http2() const;
  // "TLSv1.3" and "TLS_AES_128_GCM_SHA256", once established.
  std::string_view version() const;
  std::string_view cipher() const;
  // The session is that of an earlier connection.
  bool resumed() const;

 private:
  TlsFilter(ssl_st* ssl, BlockPool& blocks) : ssl_(ssl), blocks_(blocks) {}
  static std::unique_ptr<TlsFilter> create(const TlsContext& context, BlockPool& blocks);
  bool read_plaintext(BlockQueue& plain);
  bool write_plaintext();
  bool broken();
  bool began_with_a_method() const;
  friend struct TlsCallbacks;
  static int bio_read(bio_st* bio, char* out, int size);
  static int bio_write(bio_st* bio, const char* data, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);
  static bio_st* make_bio(TlsFilter* filter);

  ssl_st* ssl_;
  BlockPool& blocks_;
  BlockQueue input_;    // ciphertext that OpenSSL has not read yet
  BlockQueue output_;   // ciphertext to send
  BlockQueue pending_;  // plaintext that waits for the handshake
  const CertificateSource* certificates_ = nullptr;
  TlsSession* session_ = nullptr;
  std::unique_ptr<TlsFault> fault_;
  // What came first: as much as OpenSSL wants to see before it says that something is not TLS.
  std::array<char, 5> beginning_{};
  uint8_t beginning_size_ = 0;
  bool finishing_ = false;  // close_notify() waits for the handshake
  bool peer_finished_ = false;
  bool offers_http_ = false;
  bool offers_http2_ = false;
};

}  // namespace sallyport::net
