#include "admin/status_api.h"

#include "admin/response_headers.h"
#include "admin/status_json.h"

namespace sallyport::admin {
namespace {

Answer answer_status(const NodeInfo& node, const http::BufferedRequest& raw) {
  auto request = Request::parse(raw);
  if (!request) return std::move(request.error());
  bool status = request->path == "/status", ready = request->path == "/status/ready";
  if (!status && !ready) return not_found();
  if (request->method != "GET") return method_not_allowed();
  return status ? status_answer(node, *request) : ready_answer(node);
}

}  // namespace

http::BufferedResponse StatusApi::handle(const http::BufferedRequest& request) {
  TimePoint began = Clock::now();
  return with_headers(answer_status(node_, request), request, {}, began);
}

}  // namespace sallyport::admin
