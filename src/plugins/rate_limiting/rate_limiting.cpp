#include "plugins/rate_limiting/rate_limiting.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>
#include <vector>

#include "model/row_reader.h"
#include "plugins/rate_limiting/counters.h"

namespace sallyport::plugins::rate_limiting {
namespace {

using plugin::Exchange;
using plugin::Response;
using plugin::Step;

struct Period {
  const char* field;
  const char* title;
  int64_t seconds;
};
constexpr std::array<Period, 6> kPeriods = {{{"second", "Second", 1},
                                             {"minute", "Minute", 60},
                                             {"hour", "Hour", 3600},
                                             {"day", "Day", 86400},
                                             {"month", "Month", 2592000},
                                             {"year", "Year", 31536000}}};

// When the window of `now` began: windows are aligned to the clock, months and years to the
// calendar.
int64_t window_start(const Period& period, int64_t now) {
  if (period.seconds <= 86400) return now - now % period.seconds;
  std::time_t time = now;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  parts.tm_mday = 1;
  if (period.seconds > 2592000) parts.tm_mon = 0;
  parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
  return ::timegm(&parts);
}

int64_t window_end(const Period& period, int64_t start) {
  if (period.seconds <= 86400) return start + period.seconds;
  return start + (period.seconds > 2592000 ? 366 : 31) * int64_t{86400};
}

struct Limit {
  const Period* period;
  int64_t most;
};

class RateLimiting final : public plugin::Plugin {
 public:
  RateLimiting(model::RowReader& config, std::string id) : id_(std::move(id)) {
    for (const Period& period : kPeriods) {
      double most = -1;
      config.number(period.field, most);
      if (most >= 0) limits_.push_back({&period, static_cast<int64_t>(most)});
    }
    config.text("limit_by", limit_by_);
    config.text("header_name", header_name_);
    config.text("path", path_);
    config.flag("hide_client_headers", hide_);
    config.integer("error_code", error_code_);
    config.text("error_message", error_message_);
  }

  plugin::Phases phases() const override { return {.access = true}; }

  Step access(Exchange& exchange) const override {
    const std::string who = id_ + '|' + identifier(exchange) + '|';
    Counters& counters = Counters::of_this_node();
    std::vector<std::string> keys;
    std::vector<int64_t> left;
    bool over = false;
    for (const Limit& limit : limits_) {
      const int64_t start = window_start(*limit.period, exchange.now);
      keys.push_back(who + limit.period->field + std::to_string(start));
      left.push_back(limit.most - counters.read(keys.back(), exchange.now));
      over |= left.back() <= 0;
    }
    if (!over) {
      for (size_t i = 0; i < keys.size(); ++i) {
        const Period& period = *limits_[i].period;
        counters.add(keys[i], window_end(period, window_start(period, exchange.now)), exchange.now);
        --left[i];
      }
    }
    auto headers = headers_for(left, exchange.now);
    if (!over) {
      if (!hide_) std::ranges::move(headers, std::back_inserter(exchange.for_client));
      return Step::next();
    }
    Response response = plugin::message(error_code_, error_message_);
    if (!hide_) response.headers = std::move(headers);
    response.headers.emplace_back("Retry-After",
                                  std::to_string(reset(tightest(left), exchange.now)));
    return Step::respond(std::move(response));
  }

 private:
  std::string identifier(const Exchange& exchange) const {
    if (limit_by_ == "service" && exchange.service != nullptr) return exchange.service->id;
    if (limit_by_ == "consumer" && exchange.consumer != nullptr) return exchange.consumer->id;
    if ((limit_by_ == "consumer" || limit_by_ == "credential") && !exchange.credential_id.empty()) {
      return exchange.credential_id;
    }
    if (limit_by_ == "header") {
      if (const auto value = exchange.headers.get(header_name_)) return std::string(*value);
    }
    if (limit_by_ == "path" && exchange.raw_path == path_) return path_;
    return std::string(exchange.client_ip);
  }

  // Of windows with as little left the longest, which ends last.
  static size_t tightest(const std::vector<int64_t>& left) {
    size_t least = 0;
    for (size_t i = 1; i < left.size(); ++i) {
      if (std::max<int64_t>(0, left[i]) <= std::max<int64_t>(0, left[least])) least = i;
    }
    return least;
  }

  int64_t reset(size_t limit, int64_t now) const {
    const Period& period = *limits_[limit].period;
    return std::max<int64_t>(1, period.seconds - (now - window_start(period, now)));
  }

  std::vector<std::pair<std::string, std::string>> headers_for(const std::vector<int64_t>& left,
                                                               int64_t now) const {
    auto text = [](int64_t number) { return std::to_string(std::max<int64_t>(0, number)); };
    std::vector<std::pair<std::string, std::string>> out;
    if (left.empty()) return out;
    for (size_t i = 0; i < limits_.size(); ++i) {
      const std::string title = limits_[i].period->title;
      out.emplace_back("X-RateLimit-Limit-" + title, text(limits_[i].most));
      out.emplace_back("X-RateLimit-Remaining-" + title, text(left[i]));
    }
    const size_t least = tightest(left);
    out.emplace_back("RateLimit-Limit", text(limits_[least].most));
    out.emplace_back("RateLimit-Remaining", text(left[least]));
    out.emplace_back("RateLimit-Reset", text(reset(least, now)));
    return out;
  }

  std::string id_;
  std::vector<Limit> limits_;
  std::string limit_by_ = "consumer";
  std::string header_name_, path_;
  std::string error_message_ = "API rate limit exceeded";
  int error_code_ = 429;
  bool hide_ = false;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  std::string policy = "local";
  config.text("policy", policy);
  if (policy != "local") {
    return fail("plugin.config", Side::config,
                "rate-limiting: this gateway has the policy local only, not " + policy,
                "Set config.policy to local");
  }
  auto made = std::make_unique<const RateLimiting>(config, std::string(instance.id));
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return made;
}

}  // namespace sallyport::plugins::rate_limiting
