// The certificate of an `ssl` listener: the configured one, or a self-signed one for `localhost`
// that is made once under <prefix>/ssl, as Kong does.
#pragma once

#include "base/error.h"
#include "conf/settings.h"
#include "proxy/options.h"

namespace sallyport::app {

// `certificate` and `key` are lists of paths or PEM texts (ssl_cert, ssl_cert_key); the first pair
// is used. Errors: "conf.certificate", naming the setting.
Result<proxy::Certificate> server_certificate(const conf::Settings& settings, conf::Key certificate,
                                              conf::Key key);

// The PEM text that a setting is, or that is in the file that it names. Error: "conf.certificate".
Result<std::string> pem_text(const conf::Settings& settings, conf::Key key);

}  // namespace sallyport::app
