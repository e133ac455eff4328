// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE runtime

#include "actors/runtime.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <future>

using namespace holt;
using namespace std::chrono_literals;

namespace {

using tick = caf::atom_constant<caf::atom("tick")>;

/// Sends itself `n` delayed messages, one after the other, then keeps its promise.
caf::behavior ticker(caf::event_based_actor* self, int n,
                     std::shared_ptr<std::promise<void>> done) {
  self->delayed_send(self, 1ms, tick::value, n);
  return {
    [=](tick, int left) {
      if (left == 0) {
        done->set_value();
        self->quit();
        return;
      }
      self->delayed_send(self, 1ms, tick::value, left - 1);
    },
  };
}

/// Twenty timers, each holding the last handle to this actor when the test drops its own.
caf::behavior hoarder(caf::event_based_actor* self) {
  for (int i = 0; i < 20; ++i)
    self->delayed_send(self, 1ms, tick::value, i);
  return {
    [](tick, int) {},
  };
}

} // namespace

CAF_TEST(actors and handlers share the threads) {
  runtime rt{2};
  std::promise<int> answer;
  auto adder = rt.system().spawn([](caf::event_based_actor*) -> caf::behavior {
    return {
      [](int a, int b) { return a + b; },
    };
  });
  boost::asio::post(rt.io(), [&] {
    rt.system().spawn([&](caf::event_based_actor* self) {
      self->request(adder, 20s, 1, 2).then([&](int sum) { answer.set_value(sum); });
    });
  });
  auto future = answer.get_future();
  CAF_REQUIRE(future.wait_for(20s) == std::future_status::ready);
  CAF_CHECK_EQUAL(future.get(), 3);
  caf::anon_send_exit(adder, caf::exit_reason::user_shutdown);
}

CAF_TEST(delayed messages arrive in turn) {
  runtime rt{2};
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  rt.system().spawn(ticker, 20, done);
  CAF_CHECK(future.wait_for(20s) == std::future_status::ready);
}

CAF_TEST(a request that is not answered times out) {
  runtime rt{2};
  std::promise<bool> timed_out;
  auto mute = rt.system().spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {
      [self](int) { return self->make_response_promise(); },
    };
  });
  rt.system().spawn([&](caf::event_based_actor* self) {
    self->request(mute, 10ms, 1)
      .then([&](int) { timed_out.set_value(false); },
            [&](const caf::error& err) { timed_out.set_value(err == caf::sec::request_timeout); });
  });
  auto future = timed_out.get_future();
  CAF_REQUIRE(future.wait_for(20s) == std::future_status::ready);
  CAF_CHECK(future.get());
  caf::anon_send_exit(mute, caf::exit_reason::user_shutdown);
}

CAF_TEST(timers still ring after many actors that hold timers were dropped) {
  runtime rt{2};
  for (int i = 0; i < 500; ++i)
    rt.system().spawn(hoarder);
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  rt.system().spawn(ticker, 20, done);
  CAF_CHECK(future.wait_for(20s) == std::future_status::ready);
}

CAF_TEST(it ends while timers are armed) {
  runtime rt{2};
  rt.system().spawn([](caf::event_based_actor* self) -> caf::behavior {
    self->delayed_send(self, 1h, tick::value, 1);
    return {
      [](tick, int) {},
    };
  });
}
