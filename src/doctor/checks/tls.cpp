// From the request for TLS to the handshake.
#include <algorithm>

#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

// Runs `look` for the probe of every host that a TCP connection led to.
template <typename Look>
void each_reached(const Evidence& e, Findings& out, Look look) {
  for (const HostEvidence& host : e.hosts) {
    const Probe* probe = host.best();
    if (probe == nullptr || probe->reach == Reach::nothing) {
      out.skip(host.host, "not reached");
    } else {
      look(host, *probe);
    }
  }
}

template <typename Look>
void each_answered(const Evidence& e, Findings& out, Look look) {
  each_reached(e, out, [&](const HostEvidence& host, const Probe& probe) {
    if (probe.answer == SslAnswer::yes) return look(host, probe);
    out.skip(host.host, "the server did not agree to TLS");
  });
}

// What sits behind a port that does not speak PostgreSQL, by its first bytes.
std::string_view speaker(std::string_view bytes) {
  if (bytes.starts_with("HTTP/")) return "this is a web server";
  if (bytes.starts_with("220 ") || bytes.starts_with("220-")) return "this is a mail or FTP server";
  if (bytes.starts_with("-ERR")) return "this looks like Redis";
  if (bytes.starts_with("\x15\x03"))
    return "it expects TLS from the first byte on (a load "
           "balancer that terminates TLS?)";
  if (bytes.size() > 4 && bytes[3] == 0 && bytes[4] == 10) return "this looks like MySQL";
  return "this is not PostgreSQL";
}

// The message of an ErrorResponse, of protocol 3 (fields) or 2 (plain text).
std::string error_message(std::string_view bytes) {
  if (bytes.size() > 5 && bytes[1] == 0) {
    size_t at = bytes.find(std::string_view("\0M", 2));
    if (at == bytes.npos) return "";
    bytes.remove_prefix(at + 2);
  } else {
    bytes.remove_prefix(1);
  }
  return printable(bytes.substr(0, bytes.find('\0')));
}

void answer_no(const Evidence& e, const std::string& host, Findings& out) {
  if (!e.settings->ssl) return out.ok(host, "N: no TLS (and none is asked for)");
  if (e.settings->ssl_required) {
    return out.fail(host, "N: server does not support SSL, but SSL was required",
                    "TLS is switched off on the server, or something in between answers for it",
                    "set ssl = on in postgresql.conf and restart (sallyport postgres setup does "
                    "it), or give up TLS with pg_ssl_required = off");
  }
  out.warn(host, "N: the server does not support SSL",
           "the link goes on in plain text, because pg_ssl_required = off; nothing is verified",
           "set ssl = on in postgresql.conf, and pg_ssl_required = on here");
}

void answer_none(const Probe& probe, const std::string& host, Findings& out) {
  if (probe.stop == Stop::timeout) {
    return out.fail(host, "timeout: no answer to the request for TLS",
                    "something accepts connections and stays silent: a firewall or a proxy that "
                    "waits, another kind of server, or PostgreSQL too busy to fork",
                    "compare pg_host and pg_port; on the server look at the log and at ss -ltnp");
  }
  out.fail(host, fmt::format("server closed the connection unexpectedly ({})", probe.system_error),
           "whatever listens there hangs up on PostgreSQL's request for TLS: another kind of "
           "server, a proxy without a backend, or one that allows other addresses only",
           "compare pg_host and pg_port; look at the log of the server and of what is in between");
}

void answer(const Evidence& e, Findings& out) {
  each_reached(e, out, [&](const HostEvidence& host, const Probe& probe) {
    switch (probe.answer) {
      case SslAnswer::yes:
        return out.ok(host.host, e.settings->ssl ? "S: the server speaks TLS"
                                                 : "S: the server speaks TLS, unused here");
      case SslAnswer::no:
        return answer_no(e, host.host, out);
      case SslAnswer::none:
        return answer_none(probe, host.host, out);
      case SslAnswer::error:
        return out.fail(
            host.host,
            fmt::format(
                "E: server sent an error response during SSL exchange. It reads \"{}\", and "
                "is not to be trusted: it came before any proof of who sent it",
                error_message(probe.answer_bytes)),
            "the server cannot take a connection now (too many clients already, starting up, out "
            "of memory). libpq withholds the text on purpose, for anybody on the wire can send it",
            "read the server's log; raise max_connections or try again");
      case SslAnswer::other:
        break;
    }
    out.fail(host.host,
             fmt::format("received invalid response to SSL negotiation: {}",
                         printable(probe.answer_bytes.substr(0, 40))),
             fmt::format("wrong port? {}", speaker(probe.answer_bytes)),
             "set pg_host and pg_port to the PostgreSQL server");
  });
}

void injection(const Evidence& e, Findings& out) {
  each_answered(e, out, [&](const HostEvidence& host, const Probe& probe) {
    if (!probe.injected) return out.ok(host.host, "nothing but S");
    bool ssh = probe.answer_bytes.starts_with("SSH-");  // an S by chance
    out.fail(host.host,
             fmt::format("received unencrypted data after SSL response: {}",
                         printable(probe.answer_bytes.substr(1, 40))),
             ssh ? "wrong port? this is an SSH server, whose greeting begins with an S as well"
                 : "somebody sends bytes in the server's name before TLS is up: an attack "
                   "(CVE-2021-23222) or a broken proxy",
             ssh ? "set pg_host and pg_port to the PostgreSQL server"
                 : "find out what sits between this machine and the server; do not use this link");
  });
}

void explain_handshake(const Probe& probe, const std::string& host, Findings& out) {
  const std::string& error = probe.tls_error;
  if (probe.stop == Stop::timeout) {
    return out.fail(
        host, "timeout in the TLS handshake",
        "the server agreed to TLS and then stays silent: a proxy in between, a firewall "
        "that drops large packets (MTU), or a very busy server",
        "openssl s_client -starttls postgres -connect HOST:PORT from here and on the "
        "server itself; compare");
  }
  if (error.find("wrong version number") != error.npos ||
      error.find("packet length") != error.npos) {
    return out.fail(host, "SSL error: " + error,
                    "the server answered S and then does not speak TLS: a proxy in between, or not "
                    "PostgreSQL",
                    "compare pg_host and pg_port; look at what sits in between");
  }
  if (error.find("alert") != error.npos || error.find("unsupported") != error.npos) {
    return out.fail(host, "SSL error: " + error,
                    "the server refuses every TLS version and cipher that this OpenSSL has",
                    "look at ssl_min_protocol_version, ssl_max_protocol_version and ssl_ciphers in "
                    "postgresql.conf");
  }
  std::string seen = error.empty() ? probe.system_error : error;
  out.fail(host, "SSL SYSCALL error: " + seen,
           "the connection is cut in the middle of the handshake: a network device that inspects "
           "TLS, a load balancer, or a server that crashes",
           "openssl s_client -starttls postgres -connect HOST:PORT from here and on the server "
           "itself; compare");
}

void handshake(const Evidence& e, Findings& out) {
  each_answered(e, out, [&](const HostEvidence& host, const Probe& probe) {
    if (probe.injected) return out.skip(host.host, "not tried: the answer was tampered with");
    if (probe.reach != Reach::secured) return explain_handshake(probe, host.host, out);
    out.ok(host.host,
           fmt::format("{}, {}{}{}, {} ms", probe.version, probe.cipher,
                       probe.group.empty() ? "" : ", ", probe.group, probe.handshake_time.count()));
  });
}

constexpr Check kChecks[] = {
    {"tls.answer", Stage::tls, "The answer to the request for TLS",
     "PostgreSQL is asked for TLS with an 8-byte SSLRequest; it answers S (yes), N (no) or E (an "
     "error). Any other byte means that something else listens there. The text of an E answer "
     "comes before anybody has proved who they are; libpq 15.9 and later do not show it at all "
     "(CVE-2024-10977), and here it is marked as what it is.",
     answer},
    {"tls.injection", Stage::tls, "Nothing is slipped in before TLS",
     "Bytes that arrive together with the S are not protected by TLS. A client that kept them "
     "would take them for part of the protected session (CVE-2021-23222).",
     injection},
    {"tls.handshake", Stage::tls, "A TLS handshake can be completed",
     "A handshake with everything allowed and nothing verified, so that a later fault can be told "
     "from an earlier one. Neither user name nor password is sent on it, and no certificate.",
     handshake},
};

}  // namespace

std::span<const Check> tls_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
