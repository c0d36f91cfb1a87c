// A trust file for libpq that trusts nobody. libpq refuses verify-ca and verify-full without a root
// file and would parse the real one anew for every connection; the real verification is ours
// (tls_check.h). Were ours ever missing, libpq would find no issuer and refuse: the link fails
// closed.
#pragma once

namespace sallyport::postgres {

// The path of an in-memory file with one expired, self-signed certificate whose key was thrown
// away. Made once, lives as long as the process. Null where the machine has no /proc or no memfd.
const char* nobody_file();

}  // namespace sallyport::postgres
