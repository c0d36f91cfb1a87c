#include "model/declarative_document.h"

#include <array>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/text.h"
#include "model/document_builder.h"
#include "model/yaml_scalar.h"

namespace sallyport::model {
namespace {

std::unexpected<Error> refused(std::string detail) {
  return fail("declarative.syntax", Side::client, std::move(detail));
}

std::string at(const YAML::Mark& mark, std::string_view what) {
  if (mark.is_null()) return std::string(what);
  return fmt::format("line {}, column {}: {}", mark.line + 1, mark.column + 1, what);
}

// Says where, for the builder does not know.
template <typename Event>
void locate(const YAML::Mark& mark, const Event& event) {
  try {
    event();
  } catch (const DocumentFault& fault) {
    throw DocumentFault{at(mark, fault.text)};
  }
}

class YamlReader final : public YAML::EventHandler {
 public:
  explicit YamlReader(DocumentBuilder& builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    locate(mark, [&] { builder_.scalar(nullptr, anchor); });
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    locate(mark, [&] { builder_.alias(anchor); });
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // Of a key, the text counts: `on: x` has the key "on".
    bool plain = tag == "?" && !builder_.at_key();
    locate(mark, [&] {
      if (!text::valid_utf8(value)) throw DocumentFault{"not UTF-8"};
      builder_.scalar(plain ? plain_scalar(value) : tagged_scalar(tag, value), anchor);
    });
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    locate(mark, [&] { builder_.begin(Json::value_t::array, anchor); });
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    locate(mark, [&] { builder_.begin(Json::value_t::object, anchor); });
  }
  void OnSequenceEnd() override { builder_.end(); }
  void OnMapEnd() override { builder_.end(); }

 private:
  DocumentBuilder& builder_;
};

class JsonReader {
 public:
  explicit JsonReader(DocumentBuilder& builder) : builder_(builder) {}

  bool null() { return value(nullptr); }
  bool boolean(bool given) { return value(given); }
  bool number_integer(Json::number_integer_t given) { return value(given); }
  bool number_unsigned(Json::number_unsigned_t given) { return value(given); }
  bool number_float(Json::number_float_t given, const std::string&) { return value(given); }
  bool string(std::string& given) { return value(std::move(given)); }
  bool binary(Json::binary_t&) { return false; }
  bool key(std::string& given) { return value(std::move(given)); }
  bool start_object(size_t) { return builder_.begin(Json::value_t::object), true; }
  bool start_array(size_t) { return builder_.begin(Json::value_t::array), true; }
  bool end_object() { return builder_.end(), true; }
  bool end_array() { return builder_.end(), true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& problem) {
    std::string_view text = problem.what();  // "[json.exception.parse_error.101] parse error at …"
    fault = text.substr(text.find("] ") + 2);
    return false;
  }

  std::string fault;

 private:
  bool value(Json given) { return builder_.scalar(std::move(given)), true; }

  DocumentBuilder& builder_;
};

// yaml-cpp reads streams; a copy of the text is avoided.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a get area is never written to
    setg(begin, begin, begin + text.size());
  }
};

Result<Json> read_yaml(std::string_view text, DocumentBuilder& builder) {
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    YamlReader reader(builder);
    parser.HandleNextDocument(reader);
  } catch (const YAML::Exception& problem) {
    return refused(at(problem.mark, problem.msg));
  } catch (const DocumentFault& fault) {
    return refused(fault.text);
  }
  return builder.take();
}

Result<Json> read_json(std::string_view text, DocumentBuilder& builder) {
  JsonReader reader(builder);
  try {
    if (!Json::sax_parse(text, &reader)) return refused(reader.fault);
  } catch (const DocumentFault& fault) {
    return refused(fault.text);
  }
  return builder.take();
}

}  // namespace

Result<Json> read_document(std::string_view text, const DocumentLimits& limits) {
  if (text.size() > limits.bytes) {
    return refused(fmt::format("longer than {} MB", limits.bytes >> 20));
  }
  DocumentBuilder builder(limits);
  std::string_view body = text::trim(text);
  if (!body.starts_with('{')) return read_yaml(text, builder);
  auto value = read_json(text, builder);
  // A flow map of YAML begins with a brace too, but hardly goes on with a quote.
  std::string_view next = text::trim(body.substr(1));
  if (value || next.empty() || next.front() == '"' || next.front() == '}') return value;
  DocumentBuilder second(limits);
  return read_yaml(text, second);
}

}  // namespace sallyport::model
