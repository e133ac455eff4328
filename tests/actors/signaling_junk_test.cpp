// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE signaling_junk

// Messages of wrong shape and size from either side: nothing throws, nothing overflows.

#include "actors/signaling_machine.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::signaling;

namespace {

struct fixture {
  state now;
  policy how;

  fixture() {
    engine_info engine;
    engine.ready = true;
    tell(opened{{control::viewer_id{7}, "Ann", true, false, true}, engine});
    tell(account_ready{"s7"});
    tell(engine_open{});
  }
  std::vector<effect> tell(const event& what) { return step(now, what, how); }
  /// The code that the browser is closed with; 0 when it stays.
  static unsigned closed(const std::vector<effect>& what) {
    for (const auto& one : what)
      if (const auto* x = std::get_if<close_browser>(&one))
        return x->code;
    return 0;
  }
};

std::string nested(std::size_t n) {
  return R"({"event":"signal/request","payload":{"a":)" + std::string(n, '[') + std::string(n, ']')
         + "}}";
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(signaling_junk_tests, fixture)

CAF_TEST(a deeply nested message of a browser closes it and nothing else) {
  CAF_CHECK_EQUAL(closed(tell(from_browser{nested(32'000), false})), 1008u);
}

CAF_TEST(a deeply nested message of the engine is dropped) {
  CAF_CHECK(tell(from_engine{nested(1'000'000)}).empty());
  CAF_CHECK_EQUAL(now.dropped, 1u);
}

CAF_TEST(a name that stands twice is refused) {
  auto what = tell(from_browser{R"({"event":"signal/request","event":"control/move"})", false});
  CAF_CHECK_EQUAL(closed(what), 1008u);
}

CAF_TEST(members of other types are as good as absent) {
  for (const auto* text : {R"({"event":"signal/close","payload":{"reason":7,"code":[]}})",
                           R"({"event":"signal/close","payload":[1]})",
                           R"({"event":"signal/provide","payload":{"sdp":{},"iceservers":7}})",
                           R"({"event":"signal/candidate","payload":{"candidate":7}})",
                           R"({"event":"session/state","payload":{"id":"s7","is_watching":"x"}})",
                           R"({"event":"session/state","payload":7})",
                           R"({"event":"system/init","payload":{"sessions":[1]}})",
                           R"({"event":"system/init","payload":"x"})"})
    CAF_CHECK_EQUAL(closed(tell(from_engine{text})), 0u);
  CAF_CHECK(now.now == phase::relaying);
}

CAF_TEST(a session state without an id is for nobody) {
  now.session.clear();
  CAF_CHECK_EQUAL(closed(tell(from_engine{R"({"event":"session/state","payload":[1]})"})), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()
