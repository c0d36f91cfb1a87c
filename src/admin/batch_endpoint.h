// POST /_batch: many requests in one transaction, all or nothing, with every fault reported.
// Control thread.
#pragma once

#include <functional>

#include "admin/endpoints.h"
#include "model/store.h"

namespace sallyport::admin {

// How one request of a batch is answered: as if it had come by itself.
using AnswerRequest = std::function<Answer(const http::BufferedRequest& request)>;

// `store` outlives `endpoints`.
void add_batch_endpoint(Endpoints& endpoints, model::Store& store, AnswerRequest answer);

}  // namespace sallyport::admin
