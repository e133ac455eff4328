// SPDX-License-Identifier: Apache-2.0

// What a WebSocket client sends: however it is cut into reads, the same things come out.

#include "tests/fuzz/fuzz.hpp"
#include "transport/url.hpp"
#include "transport/ws_reader.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace holt::http;

namespace {

constexpr std::size_t most = 1'000;

std::vector<std::string> read(std::string_view bytes, std::size_t at_once) {
  using step = ws_reader::step;
  ws_reader reader{most};
  std::vector<std::string> out;
  while (!bytes.empty()) {
    auto part = bytes.substr(0, at_once);
    bytes.remove_prefix(part.size());
    while (true) {
      const auto got = reader.next(part);
      if (got == step::more)
        break;
      out.push_back(std::to_string(static_cast<int>(got)) + ":" + std::to_string(reader.code())
                    + ":" + reader.payload());
      if (got == step::fault)
        return out;
      fuzz::must(reader.payload().size() <= most, "no message is larger than allowed");
      if (got == step::text)
        fuzz::must(holt::url::valid_utf8(reader.payload()), "a text is UTF-8");
      if (got == step::close)
        return out;
    }
    fuzz::must(part.empty(), "all bytes are taken when there is nothing more");
  }
  return out;
}

} // namespace

FUZZ(ws_reader) {
  const auto bytes = fuzz::text(data);
  const auto whole = read(bytes, std::max<std::size_t>(bytes.size(), 1));
  for (const std::size_t n : {1u, 3u, 7u})
    fuzz::must(read(bytes, n) == whole, "cutting changes nothing");
}
