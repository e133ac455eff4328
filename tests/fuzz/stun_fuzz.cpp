// SPDX-License-Identifier: Apache-2.0

#include "stream/stun.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt::stream;

FUZZ(stun) {
  const auto got = parse_stun_request(data);
  if (!got)
    return;
  const auto bytes = fuzz::text(data);
  fuzz::must(got->integrity_at + 24 <= data.size(), "the integrity lies within the message");
  fuzz::must(got->username.empty()
               || (got->username.data() >= bytes.data()
                   && got->username.data() + got->username.size() <= bytes.data() + bytes.size()),
             "the name lies within the message");
  stun_integrity_holds(data, *got, "VOkJxbRl1RmTxUk/WvJxBt");
  std::array<std::uint8_t, 128> out{};
  const udp_endpoint mapped{boost::asio::ip::make_address("192.0.2.1"), 32853};
  for (const std::size_t room : {out.size(), data.size() % out.size()}) {
    const auto n = write_stun_success({out.data(), room}, got->transaction, mapped, "password");
    fuzz::must(n <= room, "the answer fits");
  }
}
