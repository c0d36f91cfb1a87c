#include "admin/plugin_endpoints.h"

#include <initializer_list>

#include <fmt/format.h>

#include "admin/fault_answers.h"
#include "admin/metrics_text.h"
#include "base/json.h"
#include "model/schemas.h"

namespace sallyport::admin {
namespace {

void add_all(Endpoints& endpoints, std::initializer_list<const char*> patterns,
             std::initializer_list<const char*> methods, const Handler& handler) {
  for (const char* pattern : patterns) {
    for (const char* method : methods) endpoints.add(pattern, method, handler);
  }
}

// `wasm = on` has no effect here, so that there never is a filter.
void add_filters(Endpoints& endpoints) {
  const Handler off = [](auto&, Keys) {
    return message_answer(400, "this endpoint is only available when wasm is enabled");
  };
  add_all(
      endpoints,
      {"/filter-chains", "/routes/{routes}/filter-chains", "/services/{services}/filter-chains"},
      {"GET", "POST"}, off);
  add_all(endpoints,
          {"/filter-chains/{filter_chains}", "/routes/{routes}/filter-chains/{filter_chains}",
           "/services/{services}/filter-chains/{filter_chains}"},
          {"GET", "PUT", "PATCH", "DELETE"}, off);
  add_all(endpoints,
          {"/filter-chains/{filter_chains}/route", "/filter-chains/{filter_chains}/service"},
          {"GET", "PUT", "PATCH"}, off);
  add_all(endpoints,
          {"/routes/{routes}/filters/all", "/routes/{routes}/filters/enabled",
           "/routes/{routes}/filters/disabled"},
          {"GET"}, off);
  endpoints.add("/schemas/filters/{name}", "GET", [](auto&, Keys k) {
    return message_answer(404, fmt::format("No filter named '{}'", k[0]));
  });
}

// The ACME plugin issues nothing in this gateway: 501 where somebody has configured it.
Answer acme(model::Store& store) {
  auto page = store.page(model::plugins(), {.size = 1, .equals = {{"name", "acme"}}});
  if (!page) return store_fault(model::plugins(), nullptr, page.error());
  if (page->rows.empty()) return not_found();
  return message_answer(501, "this gateway has no behaviour for the plugin 'acme'");
}

}  // namespace

void add_plugin_endpoints(Endpoints& endpoints, const NodeInfo& node, model::Store& store) {
  add_filters(endpoints);
  model::Store* s = &store;
  const NodeInfo* n = &node;
  add_all(endpoints, {"/acme"}, {"POST", "PATCH"}, [s](auto&, Keys) { return acme(*s); });
  add_all(endpoints, {"/acme/certificates", "/acme/certificates/{certificates}"}, {"GET"},
          [s](auto&, Keys) { return acme(*s); });
  // No answers are cached: there is none to be shown, and purging leaves none.
  endpoints.add("/proxy-cache", "DELETE", [](auto&, Keys) { return no_content(); });
  add_all(endpoints, {"/proxy-cache/{cache_key}", "/proxy-cache/{plugin_id}/caches/{cache_key}"},
          {"GET", "DELETE"}, [](auto&, Keys) { return not_found(); });
  endpoints.add("/metrics", "GET", [n](auto&, Keys) { return metrics_answer(*n); });
  endpoints.add("/debug/cluster/log-level/{log_level}", "PUT", [](auto&, Keys) {
    return message_answer(501,
                          "each node has its own log level: PUT /debug/node/log-level/{level}");
  });
}

}  // namespace sallyport::admin
