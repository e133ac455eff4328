// SPDX-License-Identifier: Apache-2.0

#include "stream/data_channel.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt::stream;

FUZZ(data_channel) {
  const auto got = decode_channel_input(data);
  if (!got)
    return;
  fuzz::must(data.size() >= 3, "a message has a header");
  if (const auto* ping = std::get_if<ping_asked>(&*got)) {
    const auto pong = encode_pong(*ping, 1'700'000'000'000);
    fuzz::must(pong.size() == 19, "a pong has its size whatever stood behind the ping");
  }
}
