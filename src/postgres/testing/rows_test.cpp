#include "postgres/testing/rows.h"

#include "base/uuid.h"

namespace sallyport::postgres::testing {

Json service(const std::string& name) {
  Json row = parse_json(R"({"created_at": 1700000000, "updated_at": 1700000001, "retries": 5,
    "protocol": "http", "host": "upstream.test", "port": 8080, "path": null,
    "connect_timeout": 60000, "write_timeout": 60000, "read_timeout": 60000, "tags": null,
    "client_certificate": null, "tls_verify": null, "tls_verify_depth": null,
    "ca_certificates": null, "enabled": true})");
  row["id"] = new_uuid();
  row["name"] = name;
  return row;
}

Json route(const std::string& name, const std::string& service_id) {
  Json row = parse_json(R"({"created_at": 1700000000, "updated_at": 1700000001,
    "protocols": ["http", "https"], "methods": null, "hosts": ["a.test"], "paths": ["/p"],
    "snis": null, "sources": null, "destinations": null, "headers": null, "regex_priority": 0,
    "strip_path": true, "preserve_host": false, "tags": null, "https_redirect_status_code": 426,
    "path_handling": "v0", "request_buffering": true, "response_buffering": true})");
  row["id"] = new_uuid();
  row["name"] = name;
  row["service"] = service_id.empty() ? Json(nullptr) : Json({{"id", service_id}});
  return row;
}

}  // namespace sallyport::postgres::testing
