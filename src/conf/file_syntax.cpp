#include "conf/file_syntax.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "conf/directives.h"

namespace sallyport::conf {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank_or_comment(std::string_view line) {
  line = text::trim(line);
  return line.empty() || line.front() == '#' || line.front() == ';';
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::string normalise_key(std::string_view written) {
  std::string key(text::trim(written));
  std::ranges::replace_if(key, [](char c) { return !is_alphanumeric(c); }, '_');
  return key;
}

// Where the comment of a value begins. A value that is one quoted string may hold a `#`.
size_t comment_begin(std::string_view value) {
  if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
    size_t end = value.find(value.front(), 1);
    if (end != std::string_view::npos) {
      std::string_view rest = text::trim(value.substr(end + 1));
      if (rest.empty()) return value.size();
      if (rest.front() == '#') return end + 1;
    }
  }
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '#' && (i == 0 || value[i - 1] != '\\')) return i;
  }
  return value.size();
}

std::string value_of(std::string_view written) {
  written = text::trim(written);
  written = text::trim(written.substr(0, comment_begin(written)));
  std::string value;
  value.reserve(written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] == '\\' && i + 1 < written.size() && written[i + 1] == '#') continue;
    value += written[i];
  }
  return value;
}

int line_of(std::string_view content, size_t offset) {
  return 1 + static_cast<int>(std::ranges::count(content.substr(0, offset), '\n'));
}

// The offset of the first byte that is not part of well-formed UTF-8.
size_t first_bad_utf8(std::string_view content) {
  size_t good = 0;
  while (good < content.size()) {
    size_t length = 1;
    while (length <= 4 && good + length <= content.size() &&
           !text::valid_utf8(content.substr(good, length))) {
      ++length;
    }
    if (length > 4 || good + length > content.size()) return good;
    good += length;
  }
  return good;
}

class Reader {
 public:
  Reader(const std::string& path, std::string_view content) : path_(path), rest_(content) {}

  ParsedFile read() {
    int number = 0;
    while (!rest_.empty()) {
      std::string_view line = next_line();
      ++number;
      if (is_blank_or_comment(line)) continue;
      if (!pending_) {
        pending_.emplace("", number);
      } else {
        warn_if_swallowed(line, number);
      }
      size_t last = line.find_last_not_of(" \t\f\v");
      if (line[last] == '\\') {
        pending_->first += line.substr(0, last);
        continue;
      }
      pending_->first += line;
      finish_line();
    }
    if (pending_) finish_line();
    finish_section();
    return std::move(out_);
  }

 private:
  struct Hiding {
    std::string name;
    int line;
    std::vector<std::string> keys;
  };

  std::string_view next_line() {
    size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  void finish_line() {
    auto [line, number] = std::move(*pending_);
    pending_.reset();
    if (line.starts_with('[')) {
      finish_section();
      hiding_ = Hiding{std::string(line.substr(1, line.find(']') - 1)), number, {}};
      return;
    }
    size_t equals = line.find('=');
    if (equals == std::string::npos) return complain_without_equals(line, number);
    std::string key = normalise_key(std::string_view(line).substr(0, equals));
    if (key.empty()) return complain(number, "there is no key before the '='");
    if (hiding_) {
      hiding_->keys.push_back(std::move(key));
      return;
    }
    out_.assignments.push_back(
        {std::move(key), value_of(std::string_view(line).substr(equals + 1)), number});
  }

  void complain_without_equals(std::string_view line, int number) {
    std::string_view word = text::trim(line);
    word = word.substr(0, word.find_first_of(" \t:"));
    if (find_key(word)) {
      complain(number, fmt::format("there is no '=': write {} = VALUE", word));
    } else {
      complain(number, "this is neither a comment nor 'key = value'");
    }
  }

  // A section hides its keys from Kong without a word. Nobody means that for a key that counts.
  void finish_section() {
    if (!hiding_) return;
    std::vector<std::string> known;
    for (const std::string& key : hiding_->keys) {
      if (find_key(key)) known.push_back(key);
    }
    if (!known.empty()) {
      complain(hiding_->line, fmt::format("the section [{}] hides the keys below it ({}); take the "
                                          "line away, or write a # before it",
                                          hiding_->name, text::join(known, ", ")));
    } else {
      out_.warnings.push_back(
          {path_, hiding_->line, "",
           fmt::format("the section [{}] and what is below it is not read", hiding_->name)});
    }
    hiding_.reset();
  }

  void warn_if_swallowed(std::string_view line, int number) {
    size_t equals = line.find('=');
    if (equals == std::string_view::npos) return;
    std::string key = normalise_key(line.substr(0, equals));
    if (!find_key(key)) return;
    out_.warnings.push_back(
        {path_, number, key,
         fmt::format("this line belongs to line {}, which ends in a '\\'", pending_->second)});
  }

  void complain(int line, std::string message) {
    out_.faults.push_back({path_, line, "", std::move(message)});
  }

  const std::string& path_;
  std::string_view rest_;
  std::optional<std::pair<std::string, int>> pending_;
  std::optional<Hiding> hiding_;
  ParsedFile out_;
};

}  // namespace

ParsedFile parse_file(const std::string& path, std::string_view content) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  if (size_t nul = content.find('\0'); nul != std::string_view::npos) {
    return {{},
            {{path, line_of(content, nul), "", "there is a NUL byte: this is not a text file"}},
            {}};
  }
  if (!text::valid_utf8(content)) {
    int line = line_of(content, first_bad_utf8(content));
    return {{}, {{path, line, "", "this line is not UTF-8 text"}}, {}};
  }
  return Reader(path, content).read();
}

std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == text.back() &&
      (text.front() == '"' || text.front() == '\'')) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace sallyport::conf
