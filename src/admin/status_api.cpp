#include "admin/status_api.h"

#include "admin/metrics_text.h"
#include "admin/request_body.h"
#include "admin/response_headers.h"
#include "admin/status_json.h"
#include "base/json.h"

namespace sallyport::admin {
namespace {

// {"status": "draining"} or "ready", as `kong drain` sends it.
Answer set_ready(NodeInfo& node, const Request& request) {
  auto body = read_body(request, nullptr);
  if (!body) return std::move(body.error());
  Json wanted = body->value("status", Json());
  if (wanted != "draining" && wanted != "ready") {
    return message_answer(400, "status must be 'draining' or 'ready'");
  }
  node.set_draining(wanted == "draining");
  return no_content();
}

// /upstreams/{upstream}/health, /targets and what lies below: Kong's Status API shows these too.
bool shown_by_admin(const Request& request) {
  const auto& path = request.segments;
  if (request.method != "GET" && request.method != "OPTIONS") return false;
  if (path.size() == 2) return path[0] == "status" && path[1] == "dns";
  if (path.size() < 3 || path[0] != "upstreams") return false;
  return (path[2] == "health" && path.size() == 3) || (path[2] == "targets" && path.size() <= 4);
}

Answer answer_status(NodeInfo& node, const http::BufferedRequest& raw) {
  auto request = Request::parse(raw);
  if (!request) return std::move(request.error());
  bool status = request->path == "/status", ready = request->path == "/status/ready";
  const bool metrics = request->path == "/metrics";
  if (!status && !ready && !metrics) return not_found();
  if (ready && request->method == "POST") return set_ready(node, *request);
  if (request->method != "GET") return method_not_allowed();
  if (metrics) return metrics_answer(node);
  return status ? status_answer(node, *request) : ready_answer(node);
}

}  // namespace

http::BufferedResponse StatusApi::handle(const http::BufferedRequest& request) {
  TimePoint began = Clock::now();
  if (auto parsed = Request::parse(request); admin_ && parsed && shown_by_admin(*parsed)) {
    return admin_(request);
  }
  return with_headers(answer_status(node_, request), request,
                      {.gui_origins = {}, .hostname = node_.hostname()}, began);
}

}  // namespace sallyport::admin
