#include "net/uring_backend.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/memory_reserve.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/uring_tag.h"

namespace sallyport::net {
namespace {

constexpr unsigned kSubmissions = 1024;
constexpr unsigned kCompletions = 8192;
constexpr unsigned kBufferIds = 4096;    // room in the ring of buffers; a power of two
constexpr unsigned kFirstBuffers = 256;  // few, so that they stay in the cache
constexpr unsigned short kBufferGroup = 0;
constexpr unsigned kBatch = 256;

std::unexpected<Error> refused(std::string_view what, int error) {
  return fail(
      "net.io_backend", Side::config,
      "the kernel refuses io_uring (" + std::string(what) + ": " + errno_text(error) + ")",
      "set io_backend = epoll, or allow io_uring (kernel.io_uring_disabled = 0; a container "
      "needs a seccomp profile that permits io_uring_setup)");
}

}  // namespace

Result<std::unique_ptr<Backend>> UringBackend::create(Loop& loop) {
  std::unique_ptr<UringBackend> backend(new UringBackend(loop));
  if (auto done = backend->set_up(); !done) return fail(done.error());
  return std::unique_ptr<Backend>(std::move(backend));
}

Result<void> UringBackend::set_up() {
  io_uring_params params{};
  params.cq_entries = kCompletions;
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_DEFER_TASKRUN;
  int error = -io_uring_queue_init_params(kSubmissions, &ring_, &params);
  if (error == EINVAL) {  // Linux 6.0
    params = {};
    params.cq_entries = kCompletions;
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN;
    error = -io_uring_queue_init_params(kSubmissions, &ring_, &params);
  }
  if (error != 0) return refused("io_uring_setup", error);
  ring_ready_ = true;
  io_uring_register_ring_fd(&ring_);  // saves a table look-up per call; optional
  if (auto done = set_up_buffers(); !done) return done;
  limited_multishot_ = probe_receive_limit();
  guards_ = probe_guards();
  return {};
}

Result<void> UringBackend::set_up_buffers() {
  const size_t bytes = kBufferIds * sizeof(io_uring_buf);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return refused("memory", errno);
  buffers_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uint64_t>(memory);
  registration.ring_entries = kBufferIds;
  registration.bgid = kBufferGroup;
  if (int error = -io_uring_register_buf_ring(&ring_, &registration, 0); error != 0) {
    return refused("provided buffers, Linux 5.19", error);
  }
  io_uring_buf_ring_init(buffers_);
  provided_.resize(kBufferIds, nullptr);
  while (provided_count_ < kFirstBuffers) provide(provided_count_++);
  io_uring_buf_ring_advance(buffers_, std::exchange(added_, 0));
  return {};
}

UringBackend::~UringBackend() {
  if (ring_ready_) io_uring_queue_exit(&ring_);
  for (Block* block : provided_) {
    if (block != nullptr) loop_.blocks().put(block);
  }
  if (buffers_ != nullptr) ::munmap(buffers_, kBufferIds * sizeof(io_uring_buf));
  free_vectors();
}

// A multishot receive goes on until it is cancelled, and takes up to 32 buffers a time from a fast
// peer, whoever waits for them. Linux 6.16 bounds it: `optlen` of the request is the number of
// bytes after which it ends. Older kernels reject the field; there every receive is armed anew.
bool UringBackend::probe_receive_limit() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  bool limited = false;
  if (::write(pair[1], "x", 1) == 1) {
    prepare_receive(pair[0], true, 1, kIgnored);
    io_uring_cqe* cqe = nullptr;
    __kernel_timespec second{.tv_sec = 1, .tv_nsec = 0};
    io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &second, nullptr);
    if (cqe != nullptr) {
      limited = cqe->res == 1 && (cqe->flags & IORING_CQE_F_MORE) == 0;
      if (cqe->flags & IORING_CQE_F_BUFFER) take_buffer(*cqe).reset();
      io_uring_cqe_seen(&ring_, cqe);
    }
    io_uring_buf_ring_advance(buffers_, std::exchange(added_, 0));
  }
  ::shutdown(pair[0], SHUT_RDWR);  // ends a receive that did not stop by itself
  ::close(pair[0]);
  ::close(pair[1]);
  return limited;
}

void UringBackend::prepare_receive(int fd, bool multishot, uint32_t limit, uint64_t user_data) {
  io_uring_sqe* sqe = next_sqe();
  if (multishot) {
    io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
    sqe->file_index = limit;  // shares its place with optlen, which liburing 2.3 does not know
  } else {
    io_uring_prep_recv(sqe, fd, nullptr, limit, 0);
  }
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kBufferGroup;
  io_uring_sqe_set_data64(sqe, user_data);
}

int UringBackend::socket_flags() const {
  return SOCK_CLOEXEC;
}

io_uring_sqe* UringBackend::next_sqe(unsigned together) {
  while (io_uring_sq_space_left(&ring_) < together) io_uring_submit(&ring_);
  return io_uring_get_sqe(&ring_);
}

bool UringBackend::add(Stream&) {
  return true;
}

bool UringBackend::receive(Stream& stream) {
  if (stream.kernel.receive_armed) return false;
  const bool small = stream.kernel.small_receives;
  const bool multishot = limited_multishot_ && !small;
  const uint32_t limit = multishot ? kReceiveWindow : small ? kSmallReceive : kBlockSize;
  prepare_receive(stream.fd(), multishot, limit, tagged(&stream, kReceive));
  stream.kernel.receive_armed = true;
  ++stream.kernel.in_flight;
  return false;
}

void UringBackend::connect(Stream& stream, const SocketAddress& address) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_connect(sqe, stream.fd(), address.data(), address.size());
  io_uring_sqe_set_data64(sqe, tagged(&stream, kConnect));
  stream.kernel.connect_armed = true;
  ++stream.kernel.in_flight;
}

void UringBackend::cancel(void* object, unsigned tag) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_cancel64(sqe, tagged(object, tag), 0);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, kIgnored);
}

void UringBackend::close(Stream& stream) {
  if (stream.kernel.send_armed && std::erase(noted_, &stream) > 0) start_noted(stream);
  if (stream.kernel.receive_armed) cancel(&stream, kReceive);
  if (stream.kernel.send_armed) cancel(&stream, kSend);
  if (stream.kernel.connect_armed) cancel(&stream, kConnect);
  if (stream.kernel.poll_receive_armed) cancel(&stream, kPollReceive);
  if (stream.kernel.poll_send_armed) cancel(&stream, kPollSend);
  std::erase(starved_, &stream);
  if (stream.kernel.in_flight == 0) finish_close(stream);
}

void UringBackend::finish_close(Stream& stream) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_close(sqe, stream.fd());
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, kIgnored);
  loop_.retire(&stream);
}

void UringBackend::restart_receive(Stream& stream) {
  cancel(&stream, kReceive);
}

void UringBackend::poll(Stream& stream, bool& armed, unsigned events, unsigned tag) {
  if (armed) return;
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_poll_add(sqe, stream.fd(), events);
  io_uring_sqe_set_data64(sqe, tagged(&stream, tag));
  armed = true;
  ++stream.kernel.in_flight;
}

void UringBackend::poll_receive(Stream& stream) {
  poll(stream, stream.kernel.poll_receive_armed, POLLIN | POLLRDHUP, kPollReceive);
}

void UringBackend::poll_send(Stream& stream) {
  poll(stream, stream.kernel.poll_send_armed, POLLOUT, kPollSend);
}

void UringBackend::start_accepting(Listener& listener) {
  if (listener.armed) return;
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_multishot_accept(sqe, listener.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  io_uring_sqe_set_data64(sqe, tagged(&listener, kAccept));
  listener.armed = true;
}

void UringBackend::stop_accepting(Listener& listener) {
  if (listener.armed) cancel(&listener, kAccept);
}

FdWatch* UringBackend::watch(int fd, uint32_t events, FdWatch::Ready ready, void* owner) {
  watches_.push_back(std::make_unique<FdWatch>(
      FdWatch{.fd = fd, .events = events, .ready = ready, .owner = owner}));
  arm(*watches_.back());
  return watches_.back().get();
}

void UringBackend::arm(FdWatch& watch) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_poll_add(sqe, watch.fd, watch.events);
  io_uring_sqe_set_data64(sqe, tagged(&watch, kWatch));
  watch.armed = true;
}

void UringBackend::unwatch(FdWatch* watch) {
  watch->removed = true;
  if (watch->armed) {
    cancel(watch, kWatch);  // freed when its completion comes
  } else {
    free_watch(watch);
  }
}

void UringBackend::free_watch(FdWatch* watch) {
  std::erase_if(watches_, [watch](const auto& owned) { return owned.get() == watch; });
}

void UringBackend::turn(int timeout_ms) {
  start_noted();
  if (timeout_ms == 0) {
    io_uring_submit_and_get_events(&ring_);
  } else {
    wait(timeout_ms);
  }
  loop_.update_now();
  std::array<io_uring_cqe*, kBatch> batch;
  // Bounded, so that what the handlers start is submitted in time.
  for (unsigned left = kCompletions; left > 0;) {
    const unsigned count = io_uring_peek_batch_cqe(&ring_, batch.data(), kBatch);
    for (unsigned i = 0; i < count; ++i) dispatch(*batch[i]);
    io_uring_cq_advance(&ring_, count);
    if (added_ > 0) io_uring_buf_ring_advance(buffers_, std::exchange(added_, 0));
    if (count < kBatch || memory::is_short()) break;
    left -= std::min(left, count);
  }
  if (!starved_.empty()) provide_more();
}

void UringBackend::dispatch(const io_uring_cqe& cqe) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): tagged() has made it from one
  void* object = reinterpret_cast<void*>(cqe.user_data & ~uint64_t{kTagMask});
  switch (cqe.user_data & kTagMask) {
    case kReceive:
      on_receive(*static_cast<Stream*>(object), cqe);
      break;
    case kSend:
      on_send(*static_cast<Stream*>(object), cqe.res);
      break;
    case kConnect:
      on_connect(*static_cast<Stream*>(object), cqe.res);
      break;
    case kAccept:
      on_accept(*static_cast<Listener*>(object), cqe);
      break;
    case kPollReceive:
      if (auto& stream = *static_cast<Stream*>(object);
          on_poll(stream, stream.kernel.poll_receive_armed)) {
        stream.on_readable();
      }
      break;
    case kPollSend:
      if (auto& stream = *static_cast<Stream*>(object);
          on_poll(stream, stream.kernel.poll_send_armed)) {
        stream.on_writable();
      }
      break;
    case kWatch:
      on_watch(*static_cast<FdWatch*>(object), cqe.res);
      break;
    default:
      break;
  }
}

BlockPtr UringBackend::take_buffer(const io_uring_cqe& cqe) {
  const unsigned id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
  BlockPtr block(std::exchange(provided_[id], nullptr));
  block->end = static_cast<uint32_t>(std::max(cqe.res, 0));
  provide(id);
  return block;
}

// The id gets another block at once: what a slow reader holds is never missing in the ring.
void UringBackend::provide(unsigned id) {
  Block* block = loop_.blocks().take_raw();
  provided_[id] = block;
  io_uring_buf_ring_add(buffers_, block->bytes(), block->capacity, static_cast<uint16_t>(id),
                        io_uring_buf_ring_mask(kBufferIds), added_++);
}

void UringBackend::provide_more() {
  const unsigned wanted = std::min(kBufferIds, provided_count_ * 2);
  while (provided_count_ < wanted) provide(provided_count_++);
  if (added_ > 0) io_uring_buf_ring_advance(buffers_, std::exchange(added_, 0));
  std::vector<Stream*> streams;
  streams.swap(starved_);
  for (Stream* stream : streams) receive(*stream);
}

void UringBackend::on_receive(Stream& stream, const io_uring_cqe& cqe) {
  BlockPtr block;
  if (cqe.flags & IORING_CQE_F_BUFFER) block = take_buffer(cqe);
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) {
    stream.kernel.receive_armed = false;
    --stream.kernel.in_flight;
  }
  if (stream.kernel.closed) {
    if (stream.kernel.in_flight == 0) finish_close(stream);
    return;
  }
  if (cqe.res > 0) {
    stream.on_data(std::move(block));
  } else if (cqe.res == -ENOBUFS) {
    starved_.push_back(&stream);
    return;
  } else if (cqe.res == -ECANCELED) {  // restart_receive()
    if (stream.wanted()) receive(stream);
    return;
  } else if (cqe.res == 0) {
    stream.on_end();
  } else {
    stream.on_receive_error(-cqe.res);
  }
  stream.wake_receiver();
}

void UringBackend::on_connect(Stream& stream, int result) {
  stream.kernel.connect_armed = false;
  --stream.kernel.in_flight;
  if (!stream.kernel.closed) {
    stream.on_connected(-result);
  } else if (stream.kernel.in_flight == 0) {
    finish_close(stream);
  }
}

// False when the stream is closed: nobody is to be told.
bool UringBackend::on_poll(Stream& stream, bool& armed) {
  armed = false;
  --stream.kernel.in_flight;
  if (!stream.kernel.closed) return true;
  if (stream.kernel.in_flight == 0) finish_close(stream);
  return false;
}

void UringBackend::on_accept(Listener& listener, const io_uring_cqe& cqe) {
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) listener.armed = false;
  if (cqe.res >= 0) listener.on_accepted(cqe.res);
  if (listener.armed) return;
  if (listener.stopping) {
    listener.on_disarmed();
  } else if (cqe.res >= 0) {
    start_accepting(listener);
  } else {
    listener.on_accept_error(-cqe.res);
  }
}

void UringBackend::on_watch(FdWatch& watch, int result) {
  // Still armed while it is called, so that unwatch() from inside leaves the freeing to us.
  if (!watch.removed && result > 0) watch.ready(watch.owner, static_cast<uint32_t>(result));
  watch.armed = false;
  if (watch.removed) {
    free_watch(&watch);
  } else {
    arm(watch);
  }
}

}  // namespace sallyport::net
