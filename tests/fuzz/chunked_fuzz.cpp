// fuzz: http base
// A chunked body gives the same data and verdict however it is cut, and its data written as one
// chunk gives itself again.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "http/h1_reader.h"
#include "http/h1_writer.h"

namespace {

using namespace sallyport::http;  // NOLINT

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  ParseStatus status = ParseStatus::need_more;
  std::string data;
  size_t consumed = 0;
  std::string_view reason;
};

Outcome read(std::string_view bytes, size_t piece, const Limits& limits) {
  Outcome out;
  ChunkedReader reader;
  ParseFault fault;
  while (out.consumed < bytes.size() && out.status == ParseStatus::need_more) {
    std::string_view part = bytes.substr(out.consumed, piece);
    auto exact = std::make_unique<char[]>(part.size());
    std::memcpy(exact.get(), part.data(), part.size());
    ChunkedReader::Step step = reader.next({exact.get(), part.size()}, limits, fault);
    require(step.consumed <= part.size());
    require(step.consumed > 0 || step.status == ParseStatus::error);
    require(step.data.empty() ||
            (step.data.data() >= exact.get() &&
             step.data.data() + step.data.size() <= exact.get() + step.consumed));
    out.status = step.status;
    out.data += step.data;
    out.consumed += step.consumed;
    out.reason = fault.reason;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint8_t choice = data[0];
  bytes.remove_prefix(1);
  Limits limits;
  if ((choice & 0x80) != 0) limits = {.max_chunk_line = 12, .max_trailers = 30};

  Outcome whole = read(bytes, bytes.size(), limits);
  Outcome parts = read(bytes, size_t{1} + (choice & 15), limits);
  require(whole.status == parts.status && whole.data == parts.data);
  require(whole.consumed == parts.consumed && whole.reason == parts.reason);

  if (whole.status == ParseStatus::complete && !whole.data.empty()) {
    std::array<char, kMaxChunkHead> head;
    std::string again(head.data(), write_chunk_head(head, whole.data.size()));
    again.append(whole.data).append(kChunkEnd).append(kLastChunk);
    Outcome second = read(again, again.size(), Limits{});
    require(second.status == ParseStatus::complete && second.data == whole.data);
    require(second.consumed == again.size());
  }
  return 0;
}
