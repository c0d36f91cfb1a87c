// What the change feed found in the database, for the builder that keeps the node's Model. Plain
// values; handed from the feed's thread to whoever owns the Model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sallyport::model {

struct EntitySchema;

struct Change {
  const EntitySchema* entity = nullptr;
  std::string id;
  std::string row;  // JSON text in the shape of the Admin API; "" when the row is gone
};

struct ChangeBatch {
  // True: `changes` are all rows that there are, and what is not among them is gone. False: only
  // what has changed since the batch before.
  bool complete = false;
  std::vector<Change> changes;
  int64_t sequence = 0;  // of the newest change-log entry that is in here
  TimePoint read_at;
};

}  // namespace sallyport::model
