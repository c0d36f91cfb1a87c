// What nghttp2 allocates: some objects for every stream, from the pool of the thread (which is the
// one that made the session, and frees it).
#pragma once

#include <nghttp2/nghttp2.h>

namespace sallyport::http {

// For nghttp2_session_*_new3(). Lives for ever.
nghttp2_mem* h2_memory();

}  // namespace sallyport::http
