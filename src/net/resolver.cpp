#include "net/resolver.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "net/loop.h"

namespace sallyport::net {

Resolver::Resolver(Loop& loop, Config config)
    : loop_(loop), config_(std::move(config)), hosts_(HostsFile::read(config_.hosts_file)) {}

Result<std::unique_ptr<Resolver>> Resolver::create(Loop& loop, Config config) {
  std::unique_ptr<Resolver> resolver(new Resolver(loop, std::move(config)));
  auto channel = DnsChannel::open(loop, resolver->config_.servers);
  if (!channel) return fail(channel.error());
  resolver->channel_ = std::move(*channel);
  return resolver;
}

uint64_t Resolver::now() const {
  return loop_.now();
}

// What an SRV record points to is asked for addresses only, and kept apart.
Resolver::Entry& Resolver::look_up(std::string_view name, bool only_addresses) {
  std::string key = text::lower(name);
  const std::string asked = key;
  if (only_addresses) key += '/';
  auto found = cache_.find(key);
  if (found == cache_.end()) {
    make_room();
    found = cache_.try_emplace(key).first;
  }
  Entry& entry = found->second;
  if (entry.asking || entry.answer.valid_until > loop_.now()) return entry;
  if (entry.stale_until <= loop_.now()) entry.answer.hosts.clear();
  if (const auto addresses = hosts_.find(asked); !addresses.empty()) {
    entry.answer.hosts.clear();
    for (const IpAddress& ip : addresses) entry.answer.hosts.push_back({.ip = ip});
    entry.answer.valid_until = ~uint64_t{0};
    entry.answer.answered = loop_.now();
    return entry;
  }
  entry.asking = true;
  ++entry.users;
  fetch(entry, asked, only_addresses);
  return entry;
}

std::vector<RecordType> Resolver::types_for(const Entry& entry, bool only_addresses) const {
  std::vector<RecordType> types;
  auto add = [&](RecordType type) {
    const bool none = type == RecordType::last || type == RecordType::cname ||
                      (only_addresses && type == RecordType::srv);
    if (!none && std::ranges::find(types, type) == types.end()) types.push_back(type);
  };
  for (const RecordType type : config_.order) add(type == RecordType::last ? entry.last : type);
  add(RecordType::a);
  add(RecordType::aaaa);
  return types;
}

Detached Resolver::fetch(Entry& entry, std::string name, bool only_addresses) {
  bool absent = true;
  bool found = false;
  std::string error = "no such name";
  for (const RecordType type : types_for(entry, only_addresses)) {
    DnsReply reply = co_await channel_->ask(name, type);
    const DnsReply::Status status = reply.status;
    if (status == DnsReply::Status::found) {
      found = co_await take_reply(entry, type, std::move(reply));
      if (found) break;
      error = "its SRV records lead to no address";
    } else if (status != DnsReply::Status::absent) {
      absent = false;
      error = reply.error;
      // The other questions would only wait as long again.
      if (status != DnsReply::Status::failed) break;
    }
  }
  if (!found) take_failure(entry, absent, std::move(error));
  settle(entry);
  --entry.users;
}

// False when there is no address in it after all.
Task<bool> Resolver::take_reply(Entry& entry, RecordType type, DnsReply reply) {
  uint64_t ttl_ms = std::max<uint64_t>(reply.ttl_s, 1) * 1'000;
  if (config_.valid_ttl_ms != 0) ttl_ms = config_.valid_ttl_ms;
  uint64_t valid_until = loop_.now() + ttl_ms;
  std::vector<ResolvedHost> hosts;
  if (type == RecordType::srv) {
    hosts = co_await hosts_of(std::move(reply.services), valid_until);
  } else {
    for (const IpAddress& ip : reply.addresses) hosts.push_back({.ip = ip});
  }
  if (hosts.empty()) co_return false;
  entry.answer = {std::move(hosts), valid_until, "", loop_.now()};
  entry.stale_until = valid_until + config_.stale_ttl_ms;
  entry.last = type;
  co_return true;
}

// Only the records of the best priority count, as in Kong. Valid as long as all the parts are.
Task<std::vector<ResolvedHost>> Resolver::hosts_of(std::vector<SrvRecord> records,
                                                   uint64_t& valid_until) {
  const uint16_t best = std::ranges::min_element(records, {}, &SrvRecord::priority)->priority;
  std::erase_if(records, [best](const SrvRecord& r) { return r.priority != best; });
  std::erase_if(records, [](const SrvRecord& r) { return r.target.empty(); });
  // All questions first, so that the answers do not wait for each other.
  for (const SrvRecord& record : records) look_up(record.target, true);
  std::vector<ResolvedHost> hosts;
  for (const SrvRecord& record : records) {
    Entry& entry = look_up(record.target, true);
    ++entry.users;
    const Answer& answer = co_await Awaiter{entry};
    for (const ResolvedHost& host : answer.hosts) {
      hosts.push_back({.ip = host.ip,
                       .port = record.port,
                       .weight = std::max<uint16_t>(record.weight, 1),
                       .name = record.target});
    }
    // A part that is being renewed holds for a moment.
    valid_until = std::min(valid_until, std::max(answer.valid_until, loop_.now() + 1'000));
    --entry.users;
  }
  co_return hosts;
}

void Resolver::take_failure(Entry& entry, bool absent, std::string error) {
  Answer& answer = entry.answer;
  const uint64_t now = loop_.now();
  if (!absent && !answer.hosts.empty() && entry.stale_until > now) {
    // DNS is down: the old answer serves on, and DNS is asked again in a moment.
    answer.valid_until = now + config_.error_ttl_ms;
    return;
  }
  answer.hosts.clear();
  answer.error = std::move(error);
  answer.answered = now;
  answer.valid_until = now + (absent ? config_.not_found_ttl_ms : config_.error_ttl_ms);
}

void Resolver::settle(Entry& entry) {
  entry.asking = false;
  std::vector<std::coroutine_handle<>> waiting;
  waiting.swap(entry.waiting);
  for (auto handle : waiting) handle.resume();
}

// All that are out of date; when none is, the one that will be first.
void Resolver::make_room() {
  if (cache_.size() < config_.cache_size) return;
  const uint64_t now = loop_.now();
  std::erase_if(cache_, [now](const auto& item) {
    return item.second.users == 0 && item.second.answer.valid_until <= now;
  });
  if (cache_.size() < config_.cache_size) return;
  auto first = cache_.end();
  for (auto item = cache_.begin(); item != cache_.end(); ++item) {
    if (item->second.users != 0) continue;
    if (first == cache_.end() ||
        item->second.answer.valid_until < first->second.answer.valid_until) {
      first = item;
    }
  }
  if (first != cache_.end()) cache_.erase(first);
}

}  // namespace sallyport::net
