#include "base/terminal.h"

#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/text.h"

namespace sallyport {
namespace {

bool utf8_locale() {
  // By name, not by setlocale(): the process keeps the C locale for its parsers and its numbers.
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || *value == '\0') continue;
    std::string_view word = value;
    return word.find("UTF-8") != word.npos || word.find("utf8") != word.npos ||
           word.find("UTF8") != word.npos || word.find("utf-8") != word.npos;
  }
  return false;
}

int columns_of(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return 80;
  return size.ws_col;
}

// The terminal with echo off; puts it back when it goes.
class QuietTerminal {
 public:
  explicit QuietTerminal(int fd) : fd_(fd) {
    if (tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    // Without signals too: a process that ^C kills here would leave the terminal mute.
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    changed_ = tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (changed_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  bool changed() const { return changed_; }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

void put(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t n = write(fd, text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

Result<Secret> read_line(int fd) {
  constexpr char kInterrupt = 3, kEnd = 4, kBackspace = 8, kClear = 21, kDelete = 127;
  char buffer[1024];
  size_t length = 0;
  bool interrupted = false;
  while (length < sizeof buffer) {
    ssize_t n = read(fd, buffer + length, 1);
    if (n < 0 && errno == EINTR) continue;
    char c = n == 1 ? buffer[length] : kEnd;
    interrupted = c == kInterrupt;
    if (c == '\n' || c == '\r' || c == kEnd || interrupted) break;
    if (c == kClear) {
      length = 0;
    } else if (c == kBackspace || c == kDelete) {
      if (length > 0) --length;
    } else {
      ++length;
    }
  }
  bool too_long = length == sizeof buffer;
  Secret secret(std::string(buffer, length));
  explicit_bzero(buffer, sizeof buffer);
  if (interrupted) return fail("terminal.interrupted", Side::config, "interrupted");
  if (too_long) return fail("terminal.read", Side::config, "the answer is too long");
  return secret;
}

}  // namespace

std::string TextStyle::paint(Colour wanted, std::string_view text) const {
  if (!colour || wanted == Colour::plain || text.empty()) return std::string(text);
  constexpr const char* kCodes[] = {"0", "1", "2", "31", "32", "33", "36"};
  return fmt::format("\033[{}m{}\033[0m", kCodes[static_cast<size_t>(wanted)], text);
}

TextStyle text_style(int descriptor) {
  TextStyle style;
  if (isatty(descriptor) == 0) return style;
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const char* term = std::getenv("TERM");          // NOLINT(concurrency-mt-unsafe)
  bool dumb = term == nullptr || std::string_view(term) == "dumb";
  style.colour = !dumb && (no_color == nullptr || *no_color == '\0');
  style.line_drawing = !dumb && utf8_locale();
  style.columns = columns_of(descriptor);
  return style;
}

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    auto byte = static_cast<unsigned char>(text[i]);
    size_t length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    std::string_view character = text.substr(i, length);
    // U+0080 to U+009F steer a terminal as ESC does.
    bool c1 = byte == 0xc2 && length == 2 && character.size() == 2 &&
              static_cast<unsigned char>(character[1]) < 0xa0;
    bool control = byte < 0x20 || byte == 0x7f || c1;
    bool whole = character.size() == length && text::valid_utf8(character);
    out += control || !whole ? "?" : character;
    i += whole ? length : 1;
  }
  return out;
}

Result<Secret> ask_secret(std::string_view prompt) {
  int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    return fail("terminal.none", Side::config, "there is no terminal to ask on");
  }
  auto answer = [&]() -> Result<Secret> {
    QuietTerminal quiet(fd);
    if (!quiet.changed()) {
      return fail("terminal.read", Side::config, "cannot switch off the terminal's echo");
    }
    put(fd, prompt);
    auto line = read_line(fd);
    put(fd, "\n");
    return line;
  }();
  close(fd);
  return answer;
}

}  // namespace sallyport
