// Reads or writes of many sockets in two system calls: Linux AIO (io_submit(2), io_getevents(2)),
// which does them at once, in order, where a descriptor does not block. The loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <linux/aio_abi.h>

namespace sallyport::net {

class SocketBatch {
 public:
  static constexpr size_t kMost = 32;
  // Fewer are cheaper by recv(2) and send(2).
  static constexpr size_t kFewest = 4;

  // Null where the kernel refuses: it was built without AIO, a container withholds it, or
  // fs.aio-max-nr is used up.
  static std::unique_ptr<SocketBatch> create();
  SocketBatch(const SocketBatch&) = delete;
  SocketBatch& operator=(const SocketBatch&) = delete;
  ~SocketBatch();

  // At most kMost before run(), which needs the memory until it returns. `fd` does not block.
  void add_read(int fd, void* bytes, size_t count) { add(fd, IOCB_CMD_PREAD, bytes, count); }
  void add_write(int fd, const void* bytes, size_t count) {
    add(fd, IOCB_CMD_PWRITE, const_cast<void*>(bytes), count);
  }
  // Does what was added, and empties the batch.
  void run();
  // What the last run() made of the i-th: how many bytes, or the errno, negative.
  int64_t result(size_t i) const { return results_[i]; }

 private:
  explicit SocketBatch(aio_context_t context);
  void add(int fd, int operation, void* bytes, size_t count);
  void collect(size_t count);

  aio_context_t context_;
  size_t size_ = 0;
  std::array<iocb, kMost> requests_{};
  std::array<iocb*, kMost> pointers_{};
  std::array<int64_t, kMost> results_{};
};

}  // namespace sallyport::net
