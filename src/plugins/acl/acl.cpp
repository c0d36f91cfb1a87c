#include "plugins/acl/acl.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "model/row_reader.h"

namespace sallyport::plugins::acl {
namespace {

using plugin::Exchange;
using plugin::Step;

class Acl final : public plugin::Plugin {
 public:
  explicit Acl(model::RowReader& config) {
    config.texts("allow", allow_);
    config.texts("deny", deny_);
    config.flag("hide_groups_header", hide_);
    config.flag("always_use_authenticated_groups", always_authenticated_);
  }

  plugin::Phases phases() const override { return {.access = true}; }

  Step access(Exchange& exchange) const override {
    const bool by_login = !exchange.authenticated_groups.empty();
    if (exchange.consumer == nullptr && !by_login) {
      if (exchange.authenticated()) return refuse();
      return Step::respond(plugin::message(401, "Unauthorized"));
    }
    const bool use_login = by_login && (always_authenticated_ || exchange.consumer == nullptr);
    const std::vector<std::string>& groups =
        use_login ? exchange.authenticated_groups
                  : exchange.identities->groups_of(exchange.consumer->id);
    const bool allowed = allow_.empty() ? !any_in(groups, deny_) : any_in(groups, allow_);
    if (!allowed) return refuse();
    const char* name = use_login ? "X-Authenticated-Groups" : "X-Consumer-Groups";
    if (hide_ || groups.empty()) {
      if (exchange.headers.get(name)) exchange.headers.remove(name);
    } else {
      exchange.headers.set(name, text::join(groups, ", "));
    }
    return Step::next();
  }

 private:
  static Step refuse() {
    return Step::respond(plugin::message(403, "You cannot consume this service"));
  }
  static bool any_in(const std::vector<std::string>& groups, const std::vector<std::string>& list) {
    return std::ranges::any_of(
        groups, [&](const std::string& g) { return std::ranges::find(list, g) != list.end(); });
  }

  std::vector<std::string> allow_, deny_;
  bool hide_ = false;
  bool always_authenticated_ = false;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  auto made = std::make_unique<const Acl>(config);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return made;
}

}  // namespace sallyport::plugins::acl
