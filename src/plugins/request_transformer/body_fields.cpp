#include "plugins/request_transformer/body_fields.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/form.h"
#include "plugin/body_kind.h"
#include "plugin/json_object.h"
#include "plugin/query.h"

namespace sallyport::plugins::request_transformer {
namespace {

class JsonFields final : public BodyFields {
 public:
  explicit JsonFields(plugin::JsonObject body) : body_(std::move(body)) {}

  bool has(std::string_view name) const override { return body_.has(name); }
  void remove(std::string_view name) override { body_.remove(name); }
  void rename(std::string_view from, std::string_view to) override { body_.rename(from, to); }
  void set(std::string_view name, std::string_view value) override {
    body_.set(name, to_text(Json(std::string(value))));
  }
  void append(std::string_view name, std::string_view value) override {
    if (!has(name)) return set(name, value);
    body_.append(name, to_text(Json(std::string(value))));
  }
  std::string text() const override { return body_.text(); }

 private:
  plugin::JsonObject body_;
};

class FormFields final : public BodyFields {
 public:
  explicit FormFields(std::string_view text) : query_(text) {}

  bool has(std::string_view name) const override { return query_.has(name); }
  void remove(std::string_view name) override { query_.remove(name); }
  void rename(std::string_view from, std::string_view to) override { query_.rename(from, to); }
  void set(std::string_view name, std::string_view value) override { query_.set(name, value); }
  void append(std::string_view name, std::string_view value) override { query_.add(name, value); }
  std::string text() const override { return query_.text(); }

 private:
  plugin::Query query_;
};

// What is not touched stays byte by byte, files above all.
class MultipartFields final : public BodyFields {
 public:
  static std::unique_ptr<BodyFields> of(std::string_view content_type, std::string_view body) {
    auto boundary = http::multipart_boundary(content_type);
    if (!boundary) return nullptr;
    auto split = http::split_multipart(body, *boundary, SIZE_MAX);
    if (!split && !body.empty()) return nullptr;
    return std::make_unique<MultipartFields>(*boundary,
                                             split ? *std::move(split) : http::Multipart());
  }
  MultipartFields(const std::string& boundary, const http::Multipart& body)
      : delimiter_("--" + boundary), before_(body.before), behind_(body.behind) {
    if (behind_.empty()) behind_ = "--\r\n";
    for (const http::FormPart& part : body.parts) {
      const size_t offset = part.has_name ? part.written_name.data() - part.text.data() : 0;
      parts_.push_back(
          {part.name, std::string(part.text.substr(0, offset)), std::string(part.written_name),
           std::string(part.text.substr(offset + part.written_name.size())), part.has_name});
    }
  }

  bool has(std::string_view name) const override {
    return std::ranges::any_of(parts_, [name](const Part& part) { return part.is(name); });
  }
  void remove(std::string_view name) override {
    std::erase_if(parts_, [name](const Part& part) { return part.is(name); });
  }
  void rename(std::string_view from, std::string_view to) override {
    for (Part& part : parts_) {
      if (!part.is(from)) continue;
      part.name = to;
      part.written_name = quoted(to);
    }
  }
  void set(std::string_view name, std::string_view value) override {
    const std::string kept(name);
    remove(kept);
    append(kept, value);
  }
  // A value that would end its part, which only a client that knows the boundary can make up, is
  // left out.
  void append(std::string_view name, std::string_view value) override {
    if (value.find(delimiter_) != value.npos) return;
    parts_.push_back({std::string(name), "Content-Disposition: form-data; name=", quoted(name),
                      "\r\n\r\n" + std::string(value), true});
  }
  std::string text() const override {
    std::string out = before_;
    for (const Part& part : parts_) {
      out.append(delimiter_).append("\r\n").append(part.in_front).append(part.written_name);
      out.append(part.rest).append("\r\n");
    }
    return out + delimiter_ + behind_;
  }

 private:
  struct Part {
    std::string name, in_front, written_name, rest;
    bool has_name;
    bool is(std::string_view wanted) const { return has_name && name == wanted; }
  };

  // As browsers write names (HTML, "multipart/form-data encoding algorithm").
  static std::string quoted(std::string_view name) {
    std::string out = "\"";
    for (char c : name) {
      if (c == '"') {
        out += "%22";
      } else if (c == '\r') {
        out += "%0D";
      } else if (c == '\n') {
        out += "%0A";
      } else {
        out += c;
      }
    }
    return out + '"';
  }

  std::string delimiter_, before_, behind_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<BodyFields> BodyFields::of(const plugin::Exchange& exchange) {
  const std::string_view type = exchange.headers.get("content-type").value_or("");
  const std::string& body = *exchange.body;
  switch (plugin::body_kind(type)) {
    case plugin::BodyKind::json: {
      auto object = plugin::JsonObject::parse(body.empty() ? "{}" : body);
      if (!object) return nullptr;
      return std::make_unique<JsonFields>(*std::move(object));
    }
    case plugin::BodyKind::form:
      return std::make_unique<FormFields>(body);
    case plugin::BodyKind::multipart:
      return MultipartFields::of(type, body);
    default:
      return nullptr;
  }
}

}  // namespace sallyport::plugins::request_transformer
