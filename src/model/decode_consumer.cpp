#include <algorithm>
#include <vector>

#include "base/json.h"
#include "model/consumer.h"
#include "model/plugin_row.h"
#include "model/row_reader.h"

namespace sallyport::model {

Result<Consumer> decode_consumer(const Json& json) {
  RowReader row(json);
  Consumer out;
  row.text("id", out.id);
  row.text("username", out.username);
  row.text("custom_id", out.custom_id);
  if (auto fine = row.verdict("consumers", out.id); !fine) return fail(fine.error());
  return out;
}

Result<KeyCredential> decode_key_credential(const Json& json) {
  RowReader row(json);
  KeyCredential out;
  row.text("id", out.id);
  row.reference("consumer", out.consumer_id);
  row.text("key", out.key);
  if (auto fine = row.verdict("key-auths", out.id); !fine) return fail(fine.error());
  return out;
}

Result<BasicCredential> decode_basic_credential(const Json& json) {
  RowReader row(json);
  BasicCredential out;
  row.text("id", out.id);
  row.reference("consumer", out.consumer_id);
  row.text("username", out.username);
  row.text("password", out.password);
  if (auto fine = row.verdict("basic-auths", out.id); !fine) return fail(fine.error());
  return out;
}

Result<AclGroup> decode_acl_group(const Json& json) {
  RowReader row(json);
  AclGroup out;
  row.text("id", out.id);
  row.reference("consumer", out.consumer_id);
  row.text("group", out.group);
  if (auto fine = row.verdict("acls", out.id); !fine) return fail(fine.error());
  return out;
}

Result<PluginRow> decode_plugin(const Json& json) {
  RowReader row(json);
  PluginRow out;
  row.text("id", out.id);
  row.text("name", out.name);
  if (out.name.empty()) row.blame("name");
  row.reference("route", out.route_id);
  row.reference("service", out.service_id);
  row.reference("consumer", out.consumer_id);
  row.flag("enabled", out.enabled);
  const Json* config = row.get("config");
  out.config = config == nullptr ? "{}" : to_text(*config);
  std::vector<std::string> protocols = {"grpc", "grpcs", "http", "https"};
  row.texts("protocols", protocols);
  auto has = [&](const char* word) {
    return std::ranges::find(protocols, word) != protocols.end();
  };
  out.http = has("http") || has("grpc");
  out.https = has("https") || has("grpcs");
  constexpr const char* kWords[] = {"http", "https", "grpc", "grpcs",
                                    "tcp",  "tls",   "udp",  "tls_passthrough"};
  for (unsigned i = 0; i < std::size(kWords); ++i) {
    if (has(kWords[i])) out.protocols |= static_cast<uint8_t>(1U << i);
  }
  if (auto fine = row.verdict("plugins", out.id); !fine) return fail(fine.error());
  return out;
}

}  // namespace sallyport::model
