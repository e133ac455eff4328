// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE actor_child

#include "actors/actor_child.hpp"

#include "tests/actors/actor_fixture.hpp"

#include <stdexcept>

using namespace holt;
using namespace holt::supervision;

namespace {

using tick = caf::atom_constant<caf::atom("tick")>;
using fail_now = caf::atom_constant<caf::atom("fail")>;

struct fixture : test::actor_fixture {
  std::string told;
  caf::actor latest;
  std::shared_ptr<actor_child> child;
  int cleaned = 0;

  void make(bool reports_ready = false, bool works = true) {
    child = make_actor_child({"x",
                              [this, works]() -> caf::actor {
                                if (!works)
                                  return nullptr;
                                return latest = sys.spawn([](caf::event_based_actor*) {
                                  return caf::behavior{
                                    [](tick) {},
                                    [](fail_now) { throw std::runtime_error("broken"); },
                                  };
                                });
                              },
                              [this] { ++cleaned; }, reports_ready});
  }
  void start(unsigned number = 1) {
    child->start(generation{number}, [this](generation gen, const child_event& what) {
      told += (told.empty() ? "" : ", ") + std::to_string(static_cast<std::uint64_t>(gen)) + " "
              + word(what);
    });
    drain();
  }
  static std::string word(const child_event& what) {
    if (const auto* x = std::get_if<exited>(&what))
      return "exited " + std::to_string(x->code) + (x->detail.empty() ? "" : " " + x->detail);
    constexpr const char* words[]{"spawned", "failed", "ready",  "progress",
                                  "lives",   "missed", "exited", "verified"};
    return words[what.index()];
  }
  std::string take() {
    drain();
    return std::exchange(told, {});
  }
  ~fixture() {
    told.clear();
    if (latest)
      caf::anon_send_exit(latest, caf::exit_reason::kill);
    latest = nullptr;
    drain();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(actor_child_tests, fixture)

CAF_TEST(a start tells that it is there and a stop that it ended) {
  make();
  start();
  CAF_CHECK_EQUAL(take(), "1 spawned, 1 ready");
  child->probe(generation{1});
  CAF_CHECK_EQUAL(take(), "1 lives");
  child->stop(generation{1});
  CAF_CHECK_EQUAL(take(), "1 exited 0");
  CAF_CHECK_EQUAL(cleaned, 1);
}

CAF_TEST(one that reports itself is ready when it says so) {
  make(true);
  start();
  CAF_CHECK_EQUAL(take(), "1 spawned");
  child->report_ready();
  CAF_CHECK_EQUAL(take(), "1 ready");
}

CAF_TEST(an exception is a death with a reason) {
  make();
  start();
  take();
  caf::anon_send(latest, fail_now::value);
  CAF_CHECK(take().starts_with("1 exited 1 "));
  CAF_CHECK_EQUAL(cleaned, 1);
}

CAF_TEST(its own words stand in the record) {
  make();
  start();
  take();
  child->report_end_reason("the connection broke");
  caf::anon_send_exit(latest, caf::exit_reason::unknown);
  CAF_CHECK_EQUAL(take(), "1 exited 1 the connection broke");
}

CAF_TEST(a kill ends it and is verified) {
  make();
  start();
  take();
  child->kill(generation{1});
  auto said = take();
  CAF_CHECK(said.find("1 verified") != std::string::npos);
  CAF_CHECK(said.find("1 exited 1") != std::string::npos);
}

CAF_TEST(an old generation stops nothing and tells nothing) {
  make();
  start(1);
  auto first = latest;
  start(2);
  take();
  child->stop(generation{1});
  CAF_CHECK_EQUAL(take(), "");
  caf::anon_send_exit(first, caf::exit_reason::kill);
  CAF_CHECK_EQUAL(take(), "");
  child->stop(generation{2});
  CAF_CHECK_EQUAL(take(), "2 exited 0");
}

CAF_TEST(what cannot be made says so) {
  make(false, false);
  start();
  CAF_CHECK_EQUAL(take(), "1 failed");
}

CAF_TEST(a reference drops what comes for nobody) {
  actor_ref<caf::actor> ref;
  ref.send(tick::value);
  make();
  start();
  ref.set(latest);
  ref.send(tick::value);
  ref.clear();
  ref.send(tick::value);
  drain();
  CAF_CHECK_EQUAL(take(), "1 spawned, 1 ready");
}

CAF_TEST_FIXTURE_SCOPE_END()
