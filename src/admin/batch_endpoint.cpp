#include "admin/batch_endpoint.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "admin/fault_answers.h"
#include "admin/request_body.h"
#include "base/json.h"
#include "model/schemas.h"

namespace sallyport::admin {
namespace {

constexpr std::array<std::string_view, 4> kMethods = {"POST", "PUT", "PATCH", "DELETE"};
constexpr size_t kMaxFaults = 1000;  // that are told; the rest is counted

struct Operation {
  size_t index;  // in the list as it came
  http::BufferedRequest request;
};

struct Batch {
  const Json& operations;
  std::vector<Operation> sound = {};
  std::map<size_t, std::string> malformed = {};
};

std::string operation_fault(const Json& operation) {
  if (!operation.is_object()) return "expected an object with method, path and body";
  auto method = operation.find("method"), path = operation.find("path");
  bool known = method != operation.end() && method->is_string() &&
               std::ranges::find(kMethods, method->get<std::string>()) != kMethods.end();
  if (!known) return "method: expected one of: POST, PUT, PATCH, DELETE";
  if (path == operation.end() || !path->is_string() ||
      !path->get_ref<const std::string&>().starts_with('/')) {
    return "path: expected a path of the Admin API";
  }
  std::string_view text = path->get_ref<const std::string&>();
  if (text.starts_with("/_batch") || text.starts_with("/config") || text.starts_with("/debug")) {
    return "path: only entities can be written in a batch";
  }
  auto body = operation.find("body");
  if (body != operation.end() && !body->is_object() && !body->is_null()) {
    return "body: expected an object";
  }
  return {};
}

http::BufferedRequest request_of(const Json& operation) {
  http::BufferedRequest request;
  request.method = operation["method"].get<std::string>();
  request.target = operation["path"].get<std::string>();
  auto body = operation.find("body");
  if (body != operation.end() && body->is_object()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = to_text(*body);
  }
  return request;
}

Json fault_json(size_t index, const Json& operation, int status, Json body) {
  Json out = {{"index", index}, {"status", status}, {"error", std::move(body)}};
  for (const char* member : {"method", "path"}) {
    if (operation.is_object() && operation.contains(member)) out[member] = operation[member];
  }
  return out;
}

// What every operation of the batch answered, until the first that failed when `all` is not set.
struct Outcome {
  Json results = Json::array();
  std::map<size_t, Json> faults = {};
  size_t failed = 0;
  bool unavailable = false;

  void add(size_t index, const Json& operation, int status, Json body) {
    ++failed;
    faults.emplace(index, fault_json(index, operation, status, std::move(body)));
    if (faults.size() > kMaxFaults) faults.erase(std::prev(faults.end()));
  }
};

Outcome run(const Batch& batch, const AnswerRequest& answer, bool all) {
  Outcome out;
  for (const auto& [index, text] : batch.malformed) {
    out.add(index, batch.operations[index], 400, Json{{"message", text}});
  }
  for (const Operation& operation : batch.sound) {
    Answer one = answer(operation.request);
    Json body = one.body.empty() ? Json(nullptr) : parse_json(one.body, 512);
    if (one.status < 300) {
      out.results.push_back(Json{{"status", one.status}, {"body", std::move(body)}});
      continue;
    }
    out.add(operation.index, batch.operations[operation.index], one.status, std::move(body));
    out.unavailable = one.status == 503;
    if (!all || out.unavailable) break;
  }
  return out;
}

Answer refused(size_t total, Outcome outcome) {
  std::string text =
      fmt::format("{} of {} operations failed: nothing was changed", outcome.failed, total);
  Json faults = Json::array();
  for (auto& [index, fault] : outcome.faults) faults.push_back(std::move(fault));
  return json_answer(outcome.unavailable ? 503 : 400, Json{{"message", text},
                                                           {"name", "batch refused"},
                                                           {"failed", outcome.failed},
                                                           {"faults", std::move(faults)}});
}

Batch read_batch(const Json& operations) {
  Batch batch{.operations = operations};
  for (size_t i = 0; i < operations.size(); ++i) {
    if (std::string text = operation_fault(operations[i]); !text.empty()) {
      batch.malformed.emplace(i, std::move(text));
    } else {
      batch.sound.push_back({i, request_of(operations[i])});
    }
  }
  return batch;
}

// First without savepoints, which cost two round trips each. Only where something fails everything
// is undone and done again behind savepoints, to find the other faults; and undone again.
Answer answer_batch(model::Store& store, const AnswerRequest& answer, const Request& request) {
  auto input = read_body(request, nullptr);
  if (!input) return std::move(input.error());
  auto operations = input->find("operations");
  if (operations == input->end() || !operations->is_array()) {
    return message_answer(400, "expected {\"operations\": [{\"method\", \"path\", \"body\"}, …]}");
  }
  const Batch batch = read_batch(*operations);
  using Refusals = model::Store::Refusals;
  for (Refusals refusals : {Refusals::end_it, Refusals::survive}) {
    if (!batch.malformed.empty() && refusals == Refusals::end_it) continue;
    if (auto begun = store.begin(refusals); !begun) {
      return store_fault(model::services(), nullptr, begun.error());
    }
    Outcome out = run(batch, answer, refusals == Refusals::survive);
    if (out.failed == 0) {
      if (auto done = store.commit(); !done) {
        return store_fault(model::services(), nullptr, done.error());
      }
      return json_answer(200, Json{{"results", std::move(out.results)}});
    }
    store.rollback();
    if (refusals == Refusals::survive || out.unavailable) {
      return refused(operations->size(), std::move(out));
    }
  }
  return message_answer(500, "An unexpected error occurred");
}

}  // namespace

void add_batch_endpoint(Endpoints& endpoints, model::Store& store, AnswerRequest answer) {
  model::Store* s = &store;
  endpoints.add("/_batch", "POST", [s, answer = std::move(answer)](const Request& r, Keys) {
    return answer_batch(*s, answer, r);
  });
}

}  // namespace sallyport::admin
