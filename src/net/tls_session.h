// The last TLS session with one upstream, from which the next connection to it resumes. One
// thread's; outlives the connections that use it. For peers that are the same in everything that
// makes a connection different: name, trust, identity.
#pragma once

struct ssl_session_st;
struct ssl_st;

namespace sallyport::net {

class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() { forget(); }

  // Takes over.
  void keep(ssl_session_st* session);
  void offer_on(ssl_st* ssl) const;
  // What it was used for has failed.
  void forget();

 private:
  ssl_session_st* session_ = nullptr;
};

}  // namespace sallyport::net
