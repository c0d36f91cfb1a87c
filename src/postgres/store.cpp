#include "postgres/store.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/log.h"
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
  return {.kind = StoreFault::Kind::unavailable, .error = std::move(error)};
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

Store::Store(LinkSettings settings, const LinkHealth* health)
    : settings_(std::move(settings)), health_(health) {}
Store::~Store() = default;

const RowCodec& Store::codec(const EntitySchema& entity) {
  auto found = codecs_.find(&entity);
  if (found == codecs_.end()) found = codecs_.try_emplace(&entity, entity).first;
  return found->second;
}

// A session that is idle and does not LISTEN has nothing to read, unless it has been closed or is
// about to be. A reload of the server's settings looks the same and costs one new session.
bool Store::alive() const {
  pollfd entry{session_->socket(), POLLIN, 0};
  return ::poll(&entry, 1, 0) <= 0;
}

void Store::next_host() {
  if (settings_.hosts.size() < 2) return;
  auto tried = std::ranges::find(settings_.hosts, link_.host);
  if (tried == settings_.hosts.end()) return;
  std::rotate(tried, tried + 1, settings_.hosts.end());
}

// Shortly after a loss a short wait has to do: the Admin API refuses writes within a second.
Result<Connection> Store::connect() {
  if (Clock::now() >= hurry_until_) return Connection::open(settings_, &link_);
  LinkSettings quick = settings_;
  quick.timeout = std::min(quick.timeout, kPatience);
  auto opened = Connection::open(quick, &link_);
  if (!opened) return opened;
  if (auto limited = opened->limit_statements(settings_.timeout); !limited) {
    return fail(limited.error());
  }
  return opened;
}

// What is sent and not acknowledged for so long is lost, whatever a statement may take.
void Store::notice_silence() const {
  const unsigned patience = static_cast<unsigned>(kPatience.count());
  setsockopt(session_->socket(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
}

void Store::lose_session() {
  session_.reset();
  hurry_until_ = Clock::now() + kHurry;
}

Result<void> Store::open_session() {
  auto opened = connect();
  retry_at_ = Clock::now() + kRetryAfter;
  if (!opened) {
    if (reachable_) log::error("admin: the database is out of reach: {}", opened.error().text());
    reachable_ = false;
    last_error_ = opened.error();
    return fail(last_error_);
  }
  if (!reachable_) log::notice("admin: the database is back");
  reachable_ = true;
  session_ = std::move(*opened);
  notice_silence();
  return {};
}

Result<void> Store::ensure_session() {
  if (session_ && session_->too_old()) session_.reset();
  if (session_ && !alive()) lose_session();
  if (session_) return {};
  bool away = health_ && health_->state() == LinkHealth::State::down;
  if (away && reachable_) {
    reachable_ = false;
    last_error_ = Error{"link.down", Side::database, Retry::later, "the database is out of reach",
                        "See the log, or `sallyport doctor`"};
  }
  // With a feed, its word is enough: it opens the link the moment that the database is back.
  bool known_up = health_ && health_->state() == LinkHealth::State::up;
  if (away || (!reachable_ && !known_up && Clock::now() < retry_at_)) return fail(last_error_);
  return open_session();
}

// Twice at most: a session that was found dead, or on a server that is no longer the primary, did
// not carry the statement out. One lost in the middle of a write may have, so that is not repeated.
Result<Rows> Store::on_session(Access access, const Talk& talk) {
  for (int attempt = 0;; ++attempt) {
    if (auto ready = ensure_session(); !ready) return fail(ready.error());
    auto rows = talk(*session_);
    if (rows) return rows;
    Error error = rows.error();
    bool read_only = error.code == "link.read_only";
    if (!is_lost(error)) return fail(error);
    lose_session();
    if (read_only) next_host();
    bool not_done = read_only || access == Access::read;
    if (attempt > 0 || !not_done) {
      if (!not_done) error.remedy = "Read the entity to see whether the write was carried out";
      return fail(error);
    }
  }
}

Result<Rows> Store::execute(Access access, const std::string& sql,
                            std::span<const Parameter> parameters) {
  if (in_transaction_) return execute_within(access, sql, parameters);
  return on_session(access, [&](Connection& session) { return session.query(sql, parameters); });
}

// A lost session has taken the transaction with it: nothing is tried again.
Result<Rows> Store::execute_within(Access access, const std::string& sql,
                                   std::span<const Parameter> parameters) {
  if (!session_) return fail(last_error_);
  guarded_ = refusals_ == Refusals::survive && access == Access::write;
  if (guarded_) {
    if (auto saved = session_->query("SAVEPOINT entry"); !saved) return fail(saved.error());
  }
  auto rows = session_->query(sql, parameters);
  if (!rows && is_lost(rows.error())) {
    last_error_ = rows.error();
    lose_session();
  }
  return rows;
}

Stored<void> Store::begin(Refusals refusals) {
  auto begin = [](Connection& session) -> Result<Rows> {
    if (auto begun = session.begin(); !begun) return fail(begun.error());
    return Rows();
  };
  auto begun = on_session(Access::read, begin);  // may be repeated: it changes nothing
  if (!begun) return std::unexpected(unavailable(begun.error()));
  in_transaction_ = true;
  refusals_ = refusals;
  return {};
}

Stored<void> Store::commit() {
  in_transaction_ = false;
  if (!session_) return std::unexpected(unavailable(last_error_));
  auto done = session_->commit();
  if (done) return {};
  if (is_lost(done.error())) session_.reset();
  return std::unexpected(unavailable(done.error()));
}

void Store::rollback() {
  if (std::exchange(in_transaction_, false) && session_ && !session_->rollback()) {
    session_.reset();
  }
}

StoreFault Store::fault(const EntitySchema& entity, const Json* row, Error error) {
  if (is_lost(error) || !session_) return unavailable(std::move(error));
  if (in_transaction_) {  // the catalogue can be asked only outside a failed transaction
    std::string constraint = session_->constraint();
    if (!guarded_) rollback();
    if (guarded_ && !session_->query("ROLLBACK TO SAVEPOINT entry")) session_.reset();
    if (!session_) return unavailable(std::move(error));
    return explain_fault(*session_, entity, row, std::move(error), std::move(constraint));
  }
  return explain_fault(*session_, entity, row, std::move(error), session_->constraint());
}

Stored<model::Page> Store::page(const EntitySchema& entity, const model::PageQuery& query) {
  if (reads_elsewhere()) {
    auto page = reader_->page(entity, query);
    if (page || page.error().kind != StoreFault::Kind::unavailable) return page;
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
    if (found || found.error().kind != StoreFault::Kind::unavailable) return found;
  }
  const RowCodec& sql = codec(entity);
  if (sql.type(field) == "uuid" && !is_uuid(value)) return std::nullopt;
  std::string where = fmt::format("{} = $1::{}", sql.column(field), sql.type(field));
  auto rows = execute(Access::read, sql.select(where), std::array<Parameter, 1>{value});
  if (!rows) return std::unexpected(fault(entity, nullptr, rows.error()));
  if (rows->size() == 0) return std::nullopt;
  return row_of(*rows, 0);
}

Stored<Json> Store::insert(const EntitySchema& entity, const Json& row) {
  std::string text = to_text(row);
  auto rows = execute(Access::write, codec(entity).insert(), std::array<Parameter, 1>{text});
  if (!rows) return std::unexpected(fault(entity, &row, rows.error()));
  return row_of(*rows, 0);
}

Stored<std::optional<Json>> Store::update(const EntitySchema& entity, const Json& row) {
  std::string text = to_text(row);
  auto rows = execute(Access::write, codec(entity).update(), std::array<Parameter, 1>{text});
  if (!rows) return std::unexpected(fault(entity, &row, rows.error()));
  if (rows->size() == 0) return std::nullopt;
  return row_of(*rows, 0);
}

Stored<Json> Store::upsert(const EntitySchema& entity, const Json& row) {
  std::string text = to_text(row);
  auto rows = execute(Access::write, codec(entity).upsert(), std::array<Parameter, 1>{text});
  if (!rows) return std::unexpected(fault(entity, &row, rows.error()));
  if (rows->size() > 0) return row_of(*rows, 0);
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
  return rows->affected() > 0;
}

}  // namespace sallyport::postgres
