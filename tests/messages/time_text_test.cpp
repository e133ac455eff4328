// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE time_text

#include "messages/time_text.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <array>
#include <cstdint>
#include <ctime>
#include <random>

using namespace holt;
using namespace std::chrono_literals;
using std::chrono::system_clock;

namespace {

constexpr system_clock::time_point epoch{};

} // namespace

CAF_TEST(moments have the asked digits of a second) {
  const auto when = epoch + 1'700'000'000'007ms + 999us;
  CAF_CHECK_EQUAL(to_rfc3339(when), "2023-11-14T22:13:20.007Z");
  CAF_CHECK_EQUAL(to_rfc3339(when, 0), "2023-11-14T22:13:20Z");
  CAF_CHECK_EQUAL(to_rfc3339(when, 9), "2023-11-14T22:13:20.007999000Z");
  CAF_CHECK_EQUAL(to_rfc3339(when, 99), to_rfc3339(when, 9));
}

CAF_TEST(moments before 1970 and on leap days are right) {
  CAF_CHECK_EQUAL(to_rfc3339(epoch - 1ns, 9), "1969-12-31T23:59:59.999999999Z");
  CAF_CHECK_EQUAL(to_rfc3339(epoch - 1ms), "1969-12-31T23:59:59.999Z");
  CAF_CHECK_EQUAL(to_rfc3339(epoch + 951'827'696s, 0), "2000-02-29T12:34:56Z");
  CAF_CHECK_EQUAL(to_rfc3339(system_clock::time_point::min(), 0), "1677-09-21T00:12:43Z");
  CAF_CHECK_EQUAL(to_rfc3339(system_clock::time_point::max(), 0), "2262-04-11T23:47:16Z");
}

CAF_TEST(moments are those of libc) {
  const auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random{seed};
  std::uniform_int_distribution<std::int64_t> seconds{-9'000'000'000, 9'000'000'000};
  for (int i = 0; i < 2'000; ++i) {
    const std::time_t whole = seconds(random);
    std::tm parts{};
    ::gmtime_r(&whole, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    CAF_REQUIRE_EQUAL(to_rfc3339(epoch + std::chrono::seconds{whole}, 0), std::string{text.data()});
  }
}
