// TLS for streams: OpenSSL between a stream's blocks of plaintext and its blocks of ciphertext,
// with no socket of its own. A TlsContext is made once and shared by threads; a TlsFilter belongs
// to one stream and its loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "net/block.h"

struct ssl_st;
struct ssl_ctx_st;
struct bio_st;

namespace sallyport::net {

// What a connection to an upstream demands and shows.
struct ClientTls {
  bool verify = false;                // the chain, and the name that the connection is made for
  int verify_depth = -1;              // -1: OpenSSL's
  std::string_view authorities = {};  // PEM; "": those that the system trusts
  std::string_view chain_pem = {};    // of our own certificate; "" for none
  const Secret* key_pem = nullptr;    // its key
};

class TlsContext {
 public:
  // For listeners: TLS 1.2 and 1.3, HTTP/1.1 and where it is offered HTTP/2 by ALPN. `chain_pem` is
  // the certificate and what is above it. With `client_authorities` (PEM), clients must show a
  // certificate of theirs; sessions are not resumed then, so that each connection proves itself.
  // Errors: "net.tls" (Side::config), without the key.
  static Result<std::shared_ptr<const TlsContext>> server(std::string_view chain_pem,
                                                          const Secret& key_pem,
                                                          std::string_view client_authorities = {});
  // For upstreams. Errors: "net.tls" (Side::config), naming which of the texts cannot be used.
  static Result<std::shared_ptr<const TlsContext>> client(const ClientTls& options = {});

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  bool is_server() const { return server_; }
  bool verifies() const { return verifies_; }
  ssl_ctx_st* get() const { return context_; }

 private:
  TlsContext(ssl_ctx_st* context, bool server, bool verifies = false)
      : context_(context), server_(server), verifies_(verifies) {}

  ssl_ctx_st* context_;
  bool server_;
  bool verifies_;
};

class TlsFilter {
 public:
  // `server_name` is whom a client asks for: the SNI, unless it is an address, and what the
  // certificate must be for when the context verifies. "" for none and for servers. `offer_http2`
  // counts for servers. Null when memory is short.
  static std::unique_ptr<TlsFilter> create(const TlsContext& context, BlockPool& blocks,
                                           std::string_view server_name, bool offer_http2);
  TlsFilter(const TlsFilter&) = delete;
  TlsFilter& operator=(const TlsFilter&) = delete;
  ~TlsFilter();

  // Received ciphertext in, plaintext into `plain`. What is to be sent for it (handshakes, alerts)
  // gathers, see take_output(). False when the connection is broken.
  bool receive(BlockPtr ciphertext, BlockQueue& plain);
  // Plaintext to send; waits inside while the handshake is under way. False when broken.
  bool send(BlockPtr plaintext);
  // Says that no more will be sent.
  void close_notify();
  // Starts a client's handshake.
  void start();

  void set_verify_depth(int depth);

  // The next block of ciphertext to send, or null.
  BlockPtr take_output() { return output_.pop(); }

  // The peer has said that it will send no more.
  bool peer_finished() const { return peer_finished_; }
  // What a client asked for by SNI; "" for none.
  std::string_view server_name() const;
  // What ALPN came to, once plaintext has come or gone.
  bool http2() const;

 private:
  TlsFilter(ssl_st* ssl, BlockPool& blocks) : ssl_(ssl), blocks_(blocks) {}
  bool read_plaintext(BlockQueue& plain);
  bool write_plaintext();
  friend class TlsContext;
  static int choose_protocol(ssl_st* ssl, const unsigned char** out, unsigned char* out_size,
                             const unsigned char* offered, unsigned int offered_size, void*);
  static int bio_read(bio_st* bio, char* out, int size);
  static int bio_write(bio_st* bio, const char* data, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);
  static bio_st* make_bio(TlsFilter* filter);

  ssl_st* ssl_;
  BlockPool& blocks_;
  BlockQueue input_;    // ciphertext that OpenSSL has not read yet
  BlockQueue output_;   // ciphertext to send
  BlockQueue pending_;  // plaintext that waits for the handshake
  bool peer_finished_ = false;
  bool offers_http2_ = false;
};

}  // namespace sallyport::net
