// The typed, checked values of all directives of one kong.conf: what Kong's users write, with every
// default filled in. Built by conf::load (loader.h), immutable afterwards, read from any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "conf/directives.h"
#include "conf/value.h"

namespace sallyport::conf {

class Settings {
 public:
  // Typed reads. Asking with the wrong type is a bug of the caller and aborts: the table in
  // directives/*.def says which type a key has (Type in directives.h), and which function reads it.
  bool flag(Key key) const;
  int64_t integer(Key key) const;  // sizes in bytes, durations in seconds; 0 for `auto` and unset
  double number(Key key) const;    // 0 when unset
  const std::string& string(Key key) const;             // also paths and words; "" when unset
  const std::vector<std::string>& list(Key key) const;  // empty for a lone `off`
  const std::vector<Listen>& listen(Key key) const;     // empty for `off`
  const Secret& secret(Key key) const;
  Buffers buffers(Key key) const;

  // False when the key has neither a value nor a default ("pg_pool_size", "pg_ssl_cert").
  bool is_set(Key key) const;
  // Of an inherited value, the origin of the one that it came from.
  Origin origin(Key key) const;

  // True when the value is that of the key that this one inherits from.
  bool is_inherited(Key key) const;

  // nginx_<block>_<name> directives that were written down and are no row of the table, in order.
  const std::vector<std::pair<std::string, std::string>>& injected_nginx() const;

  // The value as text for humans: secrets read "******", a vault reference reads as written.
  std::string display(Key key) const;
  // True when the value came out of a vault, wholly or in part: show display(), not the value.
  bool is_reference(Key key) const;

 private:
  friend class SettingsBuilder;
  const Value& value(Key key) const;
  const Value& value(Key key, std::initializer_list<Type> types) const;

  std::vector<Value> values_;  // by Key
  std::vector<std::pair<std::string, std::string>> injected_nginx_;
};

}  // namespace sallyport::conf
