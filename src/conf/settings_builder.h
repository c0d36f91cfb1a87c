// Fills a Settings; used by the loader alone.
#pragma once

#include <string>
#include <utility>

#include "conf/settings.h"

namespace sallyport::conf {

class SettingsBuilder {
 public:
  SettingsBuilder() { settings_.values_.resize(directives().size()); }

  Value& at(Key key) { return settings_.values_[std::to_underlying(key)]; }
  void inject(std::string name, std::string value) {
    settings_.injected_nginx_.emplace_back(std::move(name), std::move(value));
  }
  const Settings& settings() const { return settings_; }
  Settings take() { return std::move(settings_); }

 private:
  Settings settings_;
};

}  // namespace sallyport::conf
