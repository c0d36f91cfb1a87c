// From kong.conf to what the data plane is told. Pure but for the default certificate, which is
// read from the configured files or made once under the prefix.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "conf/settings.h"
#include "http/accept.h"
#include "net/tls_policy.h"
#include "proxy/error_template.h"
#include "proxy/options.h"

namespace sallyport::app {

// The error_template_* settings, in any order.
std::span<const std::pair<conf::Key, http::BodyFormat>> error_template_keys();
Result<proxy::ErrorTemplate> read_error_template(const conf::Settings& settings, conf::Key key);

// What ssl_dhparam names: a group, or the PEM of a file. Errors: "conf.*", it cannot be read.
Result<std::string> dh_parameters(const conf::Settings& settings);
// What the `ssl` listeners let clients agree on.
net::TlsPolicy tls_policy(const conf::Settings& settings, std::string dh_parameters);

// Everything but the handlers. Errors: "conf.*" for files that cannot be read.
Result<proxy::Options> gateway_options(const conf::Settings& settings);

// How many workers `workers` and `nginx_worker_processes` ask for: a number, or one per core that
// this process may run on.
int worker_count(const conf::Settings& settings);

}  // namespace sallyport::app
