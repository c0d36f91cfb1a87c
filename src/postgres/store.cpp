#include "postgres/store.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/schemas.h"
#include "postgres/sql_text.h"
#include "postgres/store_fault.h"

namespace sallyport::postgres {
namespace {

using model::EntitySchema;
using model::Stored;
using model::StoreFault;

StoreFault unavailable(Error error) {
  error.retry = Retry::later;
  auto kind = error.code == "link.undecided" ? StoreFault::Kind::undecided
              : error.code == "link.standby" ? StoreFault::Kind::read_only
                                             : StoreFault::Kind::unavailable;
  return {.kind = kind, .error = std::move(error)};
}

Json row_of(const Rows& rows, size_t row) {
  return parse_json(rows.at(row, 0), 512);
}

std::string key_of(const EntitySchema& entity, const Json& row) {
  const Json& key = row[entity.primary_key[0]];
  return key.is_string() ? key.get<std::string>() : to_text(key);
}

// The conditions of a page, with the parameters that they bind.
class Conditions {
 public:
  void add(std::string_view condition, std::string value) {
    values_.push_back(std::move(value));
    if (!text_.empty()) text_ += " AND ";
    text_ += fmt::format(fmt::runtime(condition), fmt::format("${}", values_.size()));
  }
  const std::string& text() const { return text_; }
  std::vector<Parameter> parameters() const { return {values_.begin(), values_.end()}; }

 private:
  std::string text_;
  std::vector<std::string> values_;
};

}  // namespace

Store::Store(LinkSettings settings, LinkHealth* health) : link_(std::move(settings), health) {}
Store::~Store() = default;

// A replica is read by choice; it is worth a word only while its primary is away.
template <typename T>
bool Store::answered_elsewhere(const Stored<T>& read) {
  if (!read && read.error().kind == StoreFault::Kind::unavailable) return false;
  if (link_.feed_is_down() && reader_->link_.standby()) source_ = Source::standby;
  return true;
}

const RowCodec& Store::codec(const EntitySchema& entity) {
  auto found = codecs_.find(&entity);
  if (found == codecs_.end()) found = codecs_.try_emplace(&entity, entity).first;
  return found->second;
}

Result<Rows> Store::execute(Access access, const std::string& sql,
                            std::span<const Parameter> parameters) {
  auto ask = [&](Connection& session) { return session.query(sql, parameters); };
  if (in_transaction_) return execute_within(access, ask);
  auto rows = link_.talk(access, ask);
  if (rows && access == Access::read && link_.standby()) source_ = Source::standby;
  return rows;
}

Result<Rows> Store::execute_within(Access access, const StoreLink::Talk& ask) {
  guarded_ = refusals_ == Refusals::survive && access == Access::write;
  if (guarded_) {
    auto saved = link_.talk_within([](Connection& s) { return s.query("SAVEPOINT entry"); });
    if (!saved) return saved;
  }
  return link_.talk_within(ask);
}

Stored<void> Store::begin(Refusals refusals) {
  auto begun = link_.talk(Access::begin, [](Connection& session) -> Result<Rows> {
    if (auto begun = session.begin(); !begun) return fail(begun.error());
    return Rows();
  });
  if (!begun) return std::unexpected(unavailable(begun.error()));
  in_transaction_ = true;
  seen_.clear();
  refusals_ = refusals;
  return {};
}

Stored<void> Store::commit() {
  in_transaction_ = false;
  const bool had_session = link_.session() != nullptr;
  auto done = link_.talk_within([](Connection& session) -> Result<Rows> {
    if (auto done = session.commit(); !done) return fail(done.error());
    return Rows();
  });
  if (done) return {};
  Error error = done.error();
  if (had_session && is_lost(error)) {
    error.code = "link.undecided";
    error.remedy = "Read the entities to see whether the changes were carried out";
  }
  return std::unexpected(unavailable(std::move(error)));
}

void Store::rollback() {
  Connection* session = link_.session();
  if (std::exchange(in_transaction_, false) && session && !session->rollback()) link_.lose();
}

StoreFault Store::fault(const EntitySchema& entity, const Json* row, Error error) {
  Connection* session = link_.session();
  if (is_lost(error) || session == nullptr) return unavailable(std::move(error));
  std::string constraint = session->constraint();
  if (in_transaction_) {  // the catalogue can be asked only outside a failed transaction
    if (!guarded_) rollback();
    if (guarded_ && !session->query("ROLLBACK TO SAVEPOINT entry")) link_.lose();
    session = link_.session();
    if (session == nullptr) return unavailable(std::move(error));
  }
  return explain_fault(*session, entity, row, std::move(error), std::move(constraint));
}

Stored<model::Page> Store::page(const EntitySchema& entity, const model::PageQuery& query) {
  if (reads_elsewhere()) {
    auto page = reader_->page(entity, query);
    if (answered_elsewhere(page)) return page;
  }
  const RowCodec& sql = codec(entity);
  const std::string& key = entity.primary_key[0];
  Conditions where;
  if (!query.foreign_field.empty()) {
    where.add(sql.column(query.foreign_field) + " = {}::uuid", query.foreign_id);
  }
  for (const auto& [field, value] : query.equals) {
    std::string_view type = sql.type(field);
    bool list = type.ends_with("[]");
    if (list) type.remove_suffix(2);
    std::string name = sql.column(field);
    where.add(list ? fmt::format("{} @> ARRAY[{{}}::{}]", name, type)
                   : fmt::format("{} = {{}}::{}", name, type),
              value);
  }
  if (!query.positive.empty()) {
    where.add(sql.column(query.positive) + " > {}::bigint", "0");
  }
  if (!query.tags.tags.empty()) {
    where.add(query.tags.any ? "t.tags && {}::text[]" : "t.tags @> {}::text[]",
              array_literal(query.tags.tags));
  }
  if (!query.offset.empty()) {
    auto after = text::from_base64(query.offset);
    if (!after || (sql.type(key) == "uuid" && !is_uuid(*after))) {
      return std::unexpected(StoreFault{.kind = StoreFault::Kind::bad_offset});
    }
    where.add(fmt::format("{} > {{}}::{}", sql.column(key), sql.type(key)), std::move(*after));
  }
  // One more than asked for tells whether there is a next page.
  std::string tail = fmt::format("ORDER BY {} LIMIT {}", sql.column(key), query.size + 1);
  auto rows = execute(Access::read, sql.select(where.text(), tail), where.parameters());
  if (!rows) return std::unexpected(fault(entity, nullptr, rows.error()));

  model::Page page;
  size_t count = std::min(rows->size(), static_cast<size_t>(query.size));
  for (size_t i = 0; i < count; ++i) page.rows.push_back(row_of(*rows, i));
  if (rows->size() > count) page.next_offset = text::base64(rows->at(count - 1, 1));
  return page;
}

// The triggers keep one row of `tags` for each row that has some. An offset is the last row's
// "<entity_id> <tag>".
Stored<model::Page> Store::tagged(std::string_view tag, const model::PageQuery& query) {
  std::string after_id, after_tag;
  if (!query.offset.empty()) {
    auto after = text::from_base64(query.offset);
    size_t space = after ? after->find(' ') : std::string::npos;
    if (space == std::string::npos || !is_uuid(after->substr(0, space))) {
      return std::unexpected(StoreFault{.kind = StoreFault::Kind::bad_offset});
    }
    after_id = after->substr(0, space);
    after_tag = after->substr(space + 1);
  }
  std::string sql = fmt::format(
      "SELECT t.entity_id, t.entity_name, u.tag FROM tags AS t, unnest(t.tags) AS u(tag) "
      "WHERE ($1 = '' OR t.tags @> ARRAY[$1]) AND ($1 = '' OR u.tag = $1) "
      "AND ($2 = '' OR (t.entity_id, u.tag) > (nullif($2, '')::uuid, $3)) "
      "ORDER BY t.entity_id, u.tag LIMIT {}",
      query.size + 1);
  std::string wanted(tag);
  auto rows = execute(Access::read, sql, std::array<Parameter, 3>{wanted, after_id, after_tag});
  if (!rows) return std::unexpected(fault(model::tags(), nullptr, rows.error()));
  model::Page page;
  size_t count = std::min(rows->size(), static_cast<size_t>(query.size));
  for (size_t i = 0; i < count; ++i) {
    page.rows.push_back(Json{
        {"tag", rows->at(i, 2)}, {"entity_name", rows->at(i, 1)}, {"entity_id", rows->at(i, 0)}});
  }
  if (rows->size() > count) {
    page.next_offset =
        text::base64(fmt::format("{} {}", rows->at(count - 1, 0), rows->at(count - 1, 2)));
  }
  return page;
}

Stored<std::optional<Json>> Store::find(const EntitySchema& entity, std::string_view field,
                                        std::string_view value) {
  if (reads_elsewhere()) {
    auto found = reader_->find(entity, field, value);
    if (answered_elsewhere(found)) return found;
  }
  if (const Json* row = in_transaction_ ? seen_.find(entity, field, value) : nullptr) return *row;
  const RowCodec& sql = codec(entity);
  if (sql.type(field) == "uuid" && !is_uuid(value)) return std::nullopt;
  std::string where = fmt::format("{} = $1::{}", sql.column(field), sql.type(field));
  auto rows = execute(Access::read, sql.select(where), std::array<Parameter, 1>{value});
  if (!rows) return std::unexpected(fault(entity, nullptr, rows.error()));
  if (rows->size() == 0) return std::nullopt;
  Json row = row_of(*rows, 0);
  if (in_transaction_) seen_.remember(entity, row);
  return row;
}

// The row as it was written, which later operations of the transaction may ask for.
Json Store::written(const EntitySchema& entity, Json row) {
  if (!in_transaction_) return row;
  seen_.forget(entity, row[entity.primary_key[0]]);
  seen_.remember(entity, row);
  return row;
}

Stored<Json> Store::insert(const EntitySchema& entity, const Json& row) {
  std::string text = to_text(row);
  auto rows = execute(Access::write, codec(entity).insert(), std::array<Parameter, 1>{text});
  if (!rows) return std::unexpected(fault(entity, &row, rows.error()));
  return written(entity, row_of(*rows, 0));
}

Stored<std::optional<Json>> Store::update(const EntitySchema& entity, const Json& row) {
  std::string text = to_text(row);
  auto rows = execute(Access::write, codec(entity).update(), std::array<Parameter, 1>{text});
  if (!rows) return std::unexpected(fault(entity, &row, rows.error()));
  if (rows->size() == 0) return std::nullopt;
  return written(entity, row_of(*rows, 0));
}

Stored<Json> Store::upsert(const EntitySchema& entity, const Json& row) {
  std::string text = to_text(row);
  auto rows = execute(Access::write, codec(entity).upsert(), std::array<Parameter, 1>{text});
  if (!rows) return std::unexpected(fault(entity, &row, rows.error()));
  if (rows->size() > 0) return written(entity, row_of(*rows, 0));
  StoreFault taken{.kind = StoreFault::Kind::primary_key};
  taken.fields.emplace_back(entity.primary_key[0], key_of(entity, row));
  taken.error = Error{"store.other_workspace", Side::client, Retry::never,
                      "the id belongs to a row of another workspace", ""};
  return std::unexpected(std::move(taken));
}

Stored<bool> Store::remove(const EntitySchema& entity, std::string_view id) {
  const RowCodec& sql = codec(entity);
  if (sql.type(entity.primary_key[0]) == "uuid" && !is_uuid(id)) return false;
  auto rows = execute(Access::write, sql.remove(), std::array<Parameter, 1>{id});
  if (!rows) return std::unexpected(fault(entity, nullptr, rows.error()));
  seen_.clear();  // others may have gone with it
  return rows->affected() > 0;
}

}  // namespace sallyport::postgres
