// SPDX-License-Identifier: Apache-2.0
#pragma once

// Actors in virtual time: nothing runs but in drain(), no time passes but in after().

#include "check.hpp"

#include <caf/all.hpp>
#define FAIL CAF_FAIL // dsl.hpp of 0.17 needs it
#include <caf/test/dsl.hpp>

#include <chrono>
#include <vector>

namespace holt::test {

using namespace std::chrono_literals;

struct actor_fixture : test_coordinator_fixture<> {
  /// To be ended at the end of the test.
  std::vector<caf::actor> ours;

  // The coordinator's own run() would ring every timer at once.
  void drain() {
    while (sched.try_run_once()) {
    }
  }
  void after(std::chrono::milliseconds d) {
    constexpr auto tick = 50ms; // each timer is armed by what the one before it did
    for (; d >= tick; d -= tick) {
      sched.advance_time(tick);
      drain();
    }
    sched.advance_time(d);
    drain();
  }
  template <class Handle>
  Handle keep(Handle what) {
    ours.push_back(caf::actor_cast<caf::actor>(what));
    return what;
  }
  void end() {
    drain();
    for (const auto& one : ours)
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    ours.clear();
    drain();
  }
  ~actor_fixture() { end(); }
};

} // namespace holt::test
