#include "conf/settings.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sallyport::conf {

const Value& Settings::value(Key key) const {
  size_t index = std::to_underlying(key);
  if (index >= values_.size()) {
    std::fprintf(stderr, "conf::Settings was read before conf::load made it\n");
    std::abort();
  }
  return values_[index];
}

const Value& Settings::value(Key key, std::initializer_list<Type> types) const {
  if (std::ranges::find(types, directive(key).type) == types.end()) {
    std::fprintf(stderr, "conf::Settings: %s was read as a type that it does not have\n",
                 std::string(name(key)).c_str());
    std::abort();
  }
  return value(key);
}

bool Settings::flag(Key key) const {
  return value(key, {Type::flag, Type::on_off}).flag;
}

int64_t Settings::integer(Key key) const {
  return static_cast<int64_t>(value(key, {Type::integer, Type::size, Type::duration}).number);
}

double Settings::number(Key key) const {
  return value(key, {Type::number, Type::integer, Type::size, Type::duration}).number;
}

const std::string& Settings::string(Key key) const {
  return value(key, {Type::string, Type::path, Type::word, Type::integer, Type::number, Type::size,
                     Type::duration, Type::buffers})
      .text;
}

const std::vector<std::string>& Settings::list(Key key) const {
  return value(key, {Type::list}).items;
}

const std::vector<Listen>& Settings::listen(Key key) const {
  return value(key, {Type::listen}).listens;
}

const Secret& Settings::secret(Key key) const {
  return value(key, {Type::secret}).secret;
}

Buffers Settings::buffers(Key key) const {
  return value(key, {Type::buffers}).buffers;
}

bool Settings::is_set(Key key) const {
  return value(key).set;
}

Origin Settings::origin(Key key) const {
  return value(key).origin;
}

bool Settings::is_inherited(Key key) const {
  return value(key).inherited;
}

const std::vector<std::pair<std::string, std::string>>& Settings::injected_nginx() const {
  return injected_nginx_;
}

std::string Settings::display(Key key) const {
  const Value& v = value(key);
  if (!v.set) return {};
  if (directive(key).masked()) return "******";
  return v.reference.empty() ? v.text : v.reference;
}

bool Settings::is_reference(Key key) const {
  return !value(key).reference.empty();
}

}  // namespace sallyport::conf
