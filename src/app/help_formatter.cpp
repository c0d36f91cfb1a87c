#include "app/help_formatter.h"

#include <string>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace sallyport::app {
namespace {

constexpr size_t kNameWidth = 30;
constexpr size_t kTextWidth = 68;

std::string wrap(const std::string& text) {
  std::string out;
  size_t line = 0;
  for (std::string_view word : text::split(text, ' ')) {
    if (line > 0 && line + 1 + word.size() > kTextWidth) {
      out += '\n';
      line = 0;
    } else if (line > 0) {
      out += ' ';
      ++line;
    }
    out += word;
    line += word.size();
  }
  return out;
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kNameWidth); }

  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0) return {};
    std::string type = option->get_type_name();
    return type.empty() ? std::string() : " " + type;
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    const std::string& value = option->get_default_str();
    if (!value.empty()) text += " (default: " + value + ")";
    return wrap(text);
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() {
  return std::make_shared<HelpFormatter>();
}

}  // namespace sallyport::app
