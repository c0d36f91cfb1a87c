// bench: http base
// What reading and writing HTTP/1 costs per message. Goal: 0.3 us for a request of 6-10 fields.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "http/scan.h"
#include "http/uri.h"

namespace {

using namespace sallyport::http;  // NOLINT

// What curl, a browser and a mobile application send.
const std::string_view kSmall =
    "GET /api/v1/orders?limit=10 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.5.0\r\n"
    "Accept: */*\r\n\r\n";
const std::string_view kTypical =
    "POST /api/v1/orders/12345/items?expand=all HTTP/1.1\r\nHost: api.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept: application/json\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nContent-Type: application/json\r\nContent-Length: "
    "123\r\n"
    "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN\r\n"
    "X-Request-Id: 7f3c2a1e-9f1b-4a58-8c39-1f2f8e5d2b11\r\n\r\n";
const std::string_view kBrowser =
    "GET /static/app.js HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\nsec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
    "sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; "
    "a=b\r\n\r\n";
const std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 11 Jun 2024 08:00:00 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n"
    "ETag: \"abc\"\r\nVary: Accept-Encoding\r\n\r\n";

void read_request_head(benchmark::State& state, std::string_view text) {
  static RequestHead head;
  ParseFault fault;
  for (auto _ : state) {
    uint32_t scanned = 0;
    ParseStatus status = read_request(text, Limits{}, scanned, head, fault);
    if (status != ParseStatus::complete) state.SkipWithError("not read");
    benchmark::DoNotOptimize(head.header_count);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.counters["fields"] = head.header_count;
}
BENCHMARK_CAPTURE(read_request_head, curl, kSmall);
BENCHMARK_CAPTURE(read_request_head, typical, kTypical);
BENCHMARK_CAPTURE(read_request_head, browser, kBrowser);

void read_request_in_bytes(benchmark::State& state) {
  static RequestHead head;
  ParseFault fault;
  for (auto _ : state) {
    uint32_t scanned = 0;
    for (size_t size = 1; size <= kTypical.size(); ++size) {
      benchmark::DoNotOptimize(
          read_request(kTypical.substr(0, size), Limits{}, scanned, head, fault));
    }
  }
}
BENCHMARK(read_request_in_bytes);

void read_response_head(benchmark::State& state) {
  static ResponseHead head;
  ParseFault fault;
  for (auto _ : state) {
    uint32_t scanned = 0;
    benchmark::DoNotOptimize(read_response(kResponse, Limits{}, Method::get, scanned, head, fault));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kResponse.size()));
}
BENCHMARK(read_response_head);

void classify(benchmark::State& state) {
  scan::Version version = scan::versions()[static_cast<size_t>(state.range(0))];
  if (!version.usable) state.SkipWithError("not on this processor");
  std::array<scan::Block, 16> blocks;
  for (auto _ : state) {
    version.classify(kTypical.data(), kTypical.size(), blocks.data());
    benchmark::DoNotOptimize(blocks);
  }
  state.SetLabel(std::string(version.name));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * kTypical.size()));
}
BENCHMARK(classify)->DenseRange(0, 2);

void write_request_head(benchmark::State& state) {
  static RequestHead head;
  ParseFault fault;
  uint32_t scanned = 0;
  read_request(kTypical, Limits{}, scanned, head, fault);
  std::array<char, 2048> room;
  for (auto _ : state) {
    HeadWriter writer(room);
    writer.request_line(head.method_text, head.target);
    for (const Header& field : head.fields()) writer.field(field.name, field.value);
    writer.field("X-Forwarded-For", "192.0.2.1");
    writer.end();
    benchmark::DoNotOptimize(room);
  }
}
BENCHMARK(write_request_head);

void normalize(benchmark::State& state, std::string_view path) {
  std::array<char, 512> buffer;
  for (auto _ : state) benchmark::DoNotOptimize(normalize_path(path, buffer, Climbing::refused));
}
BENCHMARK_CAPTURE(normalize, normal, std::string_view("/api/v1/orders/12345/items"));
BENCHMARK_CAPTURE(normalize, other, std::string_view("/api/./v1/%6frders//12345/../items"));

void read_chunks(benchmark::State& state) {
  std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  std::string body = chunk + chunk + chunk + chunk + "0\r\n\r\n";
  ParseFault fault;
  for (auto _ : state) {
    ChunkedReader reader;
    for (std::string_view rest = body; !rest.empty();) {
      auto step = reader.next(rest, Limits{}, fault);
      benchmark::DoNotOptimize(step.data);
      rest.remove_prefix(step.consumed);
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}
BENCHMARK(read_chunks);

}  // namespace
