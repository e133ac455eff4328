// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE room

// A room with members that do what the test says: which of the letters they take, and when they go.

#include "broker/room.hpp"

#include "check.hpp"
#include "messages/json_text.hpp"

#include <caf/all.hpp>

#include <future>

using namespace holt;
using namespace holt::broker;
using namespace std::chrono_literals;

namespace {

const std::string name = "sandbox:s1";

class puppet final : public member {
public:
  explicit puppet(side which) : member{which} {}
  void begin(const std::string&) override { begun = true; }
  took hand(const letter& what) override {
    if (what.message.binary)
      return took::never;
    if (takes == 0)
      return took::gone;
    --takes;
    got.push_back(what.message.payload);
    return took::yes;
  }
  bool hear(outgoing& what) override {
    if (takes == 0)
      return false;
    --takes;
    got.push_back("new " + what.message()->payload);
    return true;
  }
  std::size_t waiting() const override { return queued; }

  bool prove(std::function<void()> read) override {
    if (proves)
      proofs.push_back(std::move(read));
    return proves;
  }

  bool begun = false;
  bool proves = false;
  std::vector<std::function<void()>> proofs;
  std::size_t takes = 1'000;
  std::size_t queued = 0;
  std::vector<std::string> got;
};

struct world {
  world() : letters{*mailbox::open({})}, in{std::make_shared<room>(io, name, letters)} {}

  void say(const std::string& text) { in->say(nullptr, false, side::agent, message(text), {}); }
  static outgoing_ptr message(const std::string& text) {
    phoenix::frame frame;
    frame.topic = "realtime:" + name;
    frame.event = "broadcast";
    frame.user_event = "cmd";
    frame.payload = text;
    return std::make_shared<outgoing>(std::move(frame));
  }
  /// What waits for the daemon, after all that was asked of the mailbox before.
  std::vector<std::string> waiting() {
    std::promise<std::vector<std::string>> out;
    const auto lent = letters->read(name, side::daemon, letters, [&](std::vector<letter> all) {
      std::vector<std::string> texts;
      for (const auto& one : all)
        texts.push_back(one.message.payload);
      out.set_value(std::move(texts));
    });
    auto got = out.get_future();
    CAF_REQUIRE(got.wait_for(20s) == std::future_status::ready);
    letters->give_back(name, lent);
    return got.get();
  }
  /// Runs handlers until `done`.
  template <class Done>
  bool runs_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < end) {
      io.restart();
      io.run_for(5ms);
    }
    return done();
  }

  boost::asio::io_context io;
  std::shared_ptr<mailbox> letters;
  room_ptr in;
};

using texts = std::vector<std::string>;

} // namespace

CAF_TEST(only letters that were taken are forgotten) {
  world w;
  for (const char* text : {"1", "2", "3", "4"})
    w.say(text);
  const auto first = std::make_shared<puppet>(side::daemon);
  first->takes = 2;
  w.in->join(first);
  w.say("5"); // held for it, and it is gone before it hears
  CAF_REQUIRE(w.runs_until([&] { return first->got.size() == 2; }));
  w.in->leave(first);
  CAF_CHECK_EQUAL(first->got, (texts{"1", "2"}));
  CAF_CHECK_EQUAL(w.waiting(), (texts{"3", "4", "5"}));
  const auto second = std::make_shared<puppet>(side::daemon);
  w.in->join(second);
  CAF_CHECK(w.runs_until([&] { return second->got.size() == 3; }));
  CAF_CHECK_EQUAL(second->got, (texts{"3", "4", "5"}));
  CAF_CHECK(w.waiting().empty());
}

CAF_TEST(a member with much to pass on gets its letters later and in order) {
  world w;
  w.say("1");
  w.say("2");
  const auto slow = std::make_shared<puppet>(side::daemon);
  slow->queued = 8u << 20;
  w.in->join(slow);
  CAF_REQUIRE(w.runs_until([&] { return slow->begun; }));
  w.say("3");
  CAF_CHECK(slow->got.empty());
  CAF_CHECK(w.waiting().empty()); // lent to it
  slow->queued = 0;
  CAF_REQUIRE(w.runs_until([&] { return slow->got.size() == 3; }));
  CAF_CHECK_EQUAL(slow->got, (texts{"1", "2", "new 3"}));
  CAF_CHECK(w.waiting().empty());
  w.say("4");
  CAF_CHECK_EQUAL(slow->got.back(), "new 4");
}

CAF_TEST(what a member held is kept when it could not hear it) {
  world w;
  w.say("1");
  const auto one = std::make_shared<puppet>(side::daemon);
  one->takes = 1;
  w.in->join(one);
  w.say("2");
  CAF_REQUIRE(w.runs_until([&] { return one->got.size() == 1; }));
  CAF_CHECK_EQUAL(w.waiting(), (texts{"2"}));
}

CAF_TEST(what was held is said to nobody twice and kept once) {
  world w;
  w.say("1");
  const auto a = std::make_shared<puppet>(side::daemon);
  const auto b = std::make_shared<puppet>(side::daemon);
  const auto agent = std::make_shared<puppet>(side::agent);
  w.in->join(agent);
  w.in->join(a);
  w.say("2"); // a waits for its letter, the agent hears it
  CAF_CHECK_EQUAL(agent->got, (texts{"new 2"}));
  w.in->join(b); // the letter is lent to a
  w.say("3");
  CAF_CHECK_EQUAL(b->got, (texts{"new 3"}));
  w.in->leave(a);
  CAF_CHECK(w.runs_until([&] { return b->got.size() == 3; }));
  CAF_CHECK_EQUAL(b->got, (texts{"new 3", "1", "2"}));
  CAF_CHECK(a->got.empty());
  w.in->leave(b);
  CAF_CHECK(w.waiting().empty());
  CAF_CHECK_EQUAL(agent->got, (texts{"new 2", "new 3"}));
}

CAF_TEST(letters wait for their proof and for who leaves before it) {
  world w;
  w.say("1");
  w.say("2");
  const auto first = std::make_shared<puppet>(side::daemon);
  first->proves = true;
  w.in->join(first);
  CAF_REQUIRE(w.runs_until([&] { return first->got.size() == 2; }));
  CAF_REQUIRE_EQUAL(first->proofs.size(), 1u);
  w.in->leave(first);
  first->proofs.front()(); // too late
  CAF_CHECK_EQUAL(w.waiting(), (texts{"1", "2"}));
  const auto second = std::make_shared<puppet>(side::daemon);
  second->proves = true;
  w.in->join(second);
  CAF_REQUIRE(w.runs_until([&] { return second->got.size() == 2; }));
  second->proofs.front()();
  w.in->leave(second);
  CAF_CHECK(w.waiting().empty());
}
