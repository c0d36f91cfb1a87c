#include "net/hosts_file.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace sallyport::net {
namespace {

std::string_view next_word(std::string_view& line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return line = {};
  line.remove_prefix(begin);
  const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

}  // namespace

HostsFile HostsFile::parse(std::string_view text) {
  HostsFile out;
  for (std::string_view line : text::split(text, '\n')) {
    line = line.substr(0, line.find('#'));
    const auto address = IpAddress::parse(next_word(line));
    if (!address) continue;
    for (std::string_view name = next_word(line); !name.empty(); name = next_word(line)) {
      auto& addresses = out.names_[text::lower(name)];
      // IPv4 in front of IPv6, each in the order of the file.
      auto at = address->v4 ? std::ranges::find(addresses, false, &IpAddress::v4) : addresses.end();
      addresses.insert(at, *address);
    }
  }
  return out;
}

HostsFile HostsFile::read(const std::string& path) {
  auto text = read_file(path, 16u << 20);
  return text ? parse(*text) : HostsFile();
}

std::span<const IpAddress> HostsFile::find(std::string_view name) const {
  auto found = names_.find(text::lower(name));
  if (found == names_.end()) return {};
  return found->second;
}

}  // namespace sallyport::net
