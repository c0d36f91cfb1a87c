#include "postgres/known_file.h"

#include <ctime>
#include <map>
#include <mutex>
#include <optional>

#include <sys/stat.h>

#include "base/file.h"

namespace sallyport::postgres {
namespace {

struct Signature {
  dev_t device;
  ino_t inode;
  off_t size;
  int64_t modified_ns;
  int64_t changed_ns;

  bool operator==(const Signature&) const = default;
};

int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

std::optional<Signature> signature_of(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Signature{status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
                   nanoseconds(status.st_ctim)};
}

// A change right after we read would carry the same time as the one before it.
bool settled(const Signature& signature) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) - signature.changed_ns > 2'000'000'000;
}

struct Entry {
  Signature signature;
  std::shared_ptr<const KnownFile> file;
};

constexpr size_t kMostEntries = 256;
constexpr size_t kLargest = 4u << 20;  // larger ones are read each time

std::mutex mutex;
std::map<std::string, Entry> entries;

}  // namespace

Result<std::shared_ptr<const KnownFile>> read_known_file(const std::string& path) {
  auto before = signature_of(path);
  bool cacheable = before && settled(*before);
  if (cacheable) {
    std::lock_guard lock(mutex);
    auto found = entries.find(path);
    if (found != entries.end() && found->second.signature == *before) return found->second.file;
  }
  auto text = read_file(path);
  if (!text) return fail(text.error());
  auto file = std::make_shared<KnownFile>();
  file->text = std::move(*text);
  ContentHash hash;
  hash.add(file->text);
  file->hash = hash.value();
  // Only what was the same before and after the reading is known.
  if (cacheable && file->text.size() <= kLargest && signature_of(path) == before) {
    std::lock_guard lock(mutex);
    if (entries.size() >= kMostEntries) entries.clear();
    entries.insert_or_assign(path, Entry{*before, file});
  }
  return file;
}

}  // namespace sallyport::postgres
