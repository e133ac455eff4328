// SPDX-License-Identifier: Apache-2.0

#include "client/event_stream.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <string>

using namespace holt;

namespace {

std::string events_of(std::string_view bytes, std::size_t piece) {
  client::event_stream stream;
  std::string out;
  const auto each = [&](const client::server_event& one) {
    fuzz::must(!one.name.empty(), "an event has a name");
    fuzz::must((one.name + one.id + one.data).find('\r') == std::string::npos, "lines are apart");
    out += one.name + '\r' + one.id + '\r' + one.data + '\r';
    return true;
  };
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    stream.feed(bytes.substr(0, piece), each);
  return out;
}

} // namespace

FUZZ(event_stream) {
  const auto bytes = fuzz::text(data);
  const auto whole = events_of(bytes, bytes.size());
  fuzz::must(events_of(bytes, 1) == whole, "events are the same byte by byte");
  fuzz::must(events_of(bytes, 3) == whole, "events are the same in pieces");
}
