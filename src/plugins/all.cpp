#include "plugins/all.h"

#include "plugins/acl/acl.h"
#include "plugins/basic_auth/basic_auth.h"
#include "plugins/correlation_id/correlation_id.h"
#include "plugins/cors/cors.h"
#include "plugins/ip_restriction/ip_restriction.h"
#include "plugins/key_auth/key_auth.h"
#include "plugins/rate_limiting/rate_limiting.h"
#include "plugins/request_size_limiting/request_size_limiting.h"
#include "plugins/request_termination/request_termination.h"
#include "plugins/request_transformer/request_transformer.h"
#include "plugins/response_transformer/response_transformer.h"

namespace sallyport::plugins {

// By priority, in Kong's numbers.
plugin::Definitions all() {
  static constexpr plugin::Definition kAll[] = {
      {"correlation-id", 100001, "3.10.0", &correlation_id::make},
      {"cors", 2000, "3.10.0", &cors::make},
      {"key-auth", 1250, "3.10.0", &key_auth::make},
      {"basic-auth", 1100, "3.10.0", &basic_auth::make},
      {"ip-restriction", 990, "3.10.0", &ip_restriction::make},
      {"request-size-limiting", 951, "3.10.0", &request_size_limiting::make},
      {"acl", 950, "3.10.0", &acl::make},
      {"rate-limiting", 910, "3.10.0", &rate_limiting::make},
      {"request-transformer", 801, "3.10.0", &request_transformer::make},
      {"response-transformer", 800, "3.10.0", &response_transformer::make},
      {"request-termination", 2, "3.10.0", &request_termination::make},
  };
  return kAll;
}

}  // namespace sallyport::plugins
