// The certificates of an `ssl` listener: the configured ones, or self-signed ones for `localhost`
// that are made once under <prefix>/ssl, as Kong does: RSA and ECDSA.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "conf/settings.h"
#include "proxy/options.h"

namespace sallyport::app {

// What a setting for PEM holds: a path, the text itself, or base64 of it. Errors:
// "conf.certificate", naming the setting.
Result<std::string> pem_of(const std::string& value, std::string_view setting);

// A pair of such values; `setting` is the certificate's, the key's is called <setting>_key.
Result<proxy::Certificate> read_pair(const std::string& certificate, const std::string& key,
                                     std::string_view setting);

// `certificate` and `key` are lists of such values in the same order (ssl_cert, ssl_cert_key).
Result<proxy::Certificates> server_certificates(const conf::Settings& settings,
                                                conf::Key certificate, conf::Key key);

}  // namespace sallyport::app
