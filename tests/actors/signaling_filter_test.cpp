// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE signaling_filter

// Which of the engine's messages are worth parsing for a viewer, told from their first bytes.

#include "actors/signaling_machine.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using holt::signaling::may_concern;

CAF_TEST(what is for browsers may concern a viewer) {
  CAF_CHECK(may_concern(R"({"event":"signal/provide","payload":{}})", "s7"));
  CAF_CHECK(may_concern(R"({"event":"session/state","payload":{"id":"s7"}})", "s7"));
}

CAF_TEST(what is about other sessions does not ) {
  CAF_CHECK(!may_concern(R"({"event":"session/state","payload":{"id":"s8"}})", "s7"));
  CAF_CHECK(!may_concern(R"({"event":"session/created","payload":{"id":"s7"}})", "s7"));
  CAF_CHECK(!may_concern(R"({"event":"session/state)"
                         "\"}",
                         "s7"));
}

CAF_TEST(what is written in another way is left to the parser) {
  CAF_CHECK(may_concern(R"({ "event": "session/created" })", "s7"));
  CAF_CHECK(may_concern(R"({"event":"session\/created"})", "s7"));
  CAF_CHECK(may_concern(R"({"event":"session/cre)", "s7"));
  CAF_CHECK(may_concern("", "s7"));
}
