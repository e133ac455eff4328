// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE walk

// Readings of programs that do not behave: on a private bus, from objects that the test makes up.

#include "tests/accessibility/made_up_bus.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>

using namespace holt;
using namespace holt::accessibility;
using holt::test::object;
using holt::test::root;
using holt::test::world;
using namespace std::chrono_literals;

namespace {

/// What `begin` is answered by.
template <class T, class Begin>
result<T> answer_of(Begin&& begin) {
  auto got = std::make_shared<std::promise<result<T>>>();
  auto coming = got->get_future();
  begin([got](const result<T>& how) { got->set_value(how); });
  if (coming.wait_for(120s) != std::future_status::ready)
    return error{errc::internal, "no answer at all"};
  return coming.get();
}

result<answer> ask(desk& from, question what) {
  return answer_of<answer>([&](auto then) { from.read(std::move(what), std::move(then)); });
}

result<void> press(desk& on, const std::string& id) {
  act what;
  what.id = id;
  what.limit = 30s;
  return answer_of<void>([&](auto then) { on.perform(std::move(what), std::move(then)); });
}

std::map<std::string, object> family() {
  return {{root, {"registry", 14, {"/app"}, "", false, {}}},
          {"/app", {"program", 75, {"/one", "/two"}, "", false, {}}},
          {"/one", {"first", 23, {"/three"}, "", false, {}}},
          {"/two", {"second", 23, {}, "", false, {}}},
          {"/three", {"button", 43, {}, "", false, {}}}};
}

/// For all that must be read, however busy the machine is.
question patient() {
  question out;
  out.call_limit = 30s;
  out.patience = 60s;
  return out;
}

/// Of a family in which `who` leaves this call unanswered.
result<answer> ask_beside_silence(const std::string& who, const std::string& call,
                                  milliseconds call_limit, milliseconds patience) {
  auto all = family();
  all[who].mute = call;
  world w{all};
  desk d{w.address};
  question what;
  what.call_limit = call_limit;
  what.patience = patience;
  return ask(d, what);
}

std::vector<std::string> names(const answer& all) {
  std::vector<std::string> out;
  for (const auto& one : all.nodes)
    if (!one.dropped)
      out.push_back(one.name + (one.timed_out ? "!" : ""));
  return out;
}

using strings = std::vector<std::string>;

} // namespace

CAF_TEST(a program is read level by level) {
  if (test::skipped("a program is read level by level", {"dbus-daemon"}))
    return;
  world w{family()};
  desk d{w.address};
  const auto got = ask(d, patient());
  CAF_REQUIRE(got.has_value());
  CAF_CHECK((names(*got) == strings{"program", "first", "second", "button"}));
  CAF_CHECK(!got->truncated);
  CAF_CHECK(!got->timed_out);
  auto three = patient();
  three.nodes = 3;
  const auto few = ask(d, three);
  CAF_REQUIRE(few.has_value());
  CAF_CHECK((names(*few) == strings{"program", "first", "second"}));
  CAF_CHECK(few->truncated);
}

CAF_TEST(what shows itself below itself is read once) {
  if (test::skipped("what shows itself below itself is read once", {"dbus-daemon"}))
    return;
  auto all = family();
  all["/three"].children = {"/app", "/one", "/three", "/two"};
  world w{all};
  desk d{w.address};
  const auto got = ask(d, patient());
  CAF_REQUIRE(got.has_value());
  CAF_CHECK((names(*got) == strings{"program", "first", "second", "button"}));
}

CAF_TEST(a program that goes silent keeps what it has told) {
  if (test::skipped("a program that goes silent keeps what it has told", {"dbus-daemon"}))
    return;
  const auto got = ask_beside_silence("/three", "GetRole", 3s, 60s);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(got->timed_out);
  CAF_CHECK((names(*got) == strings{"program", "first", "second", "button!"}));
}

CAF_TEST(the patience of a reading bounds it) {
  if (test::skipped("the patience of a reading bounds it", {"dbus-daemon"}))
    return;
  auto patience = 500ms;
  auto got = ask_beside_silence("/one", "GetChildren", 50s, patience);
  // Connecting is part of it, and may take all of it on a slow machine.
  while (!got && got.error().code == errc::busy && patience < 16s)
    got = ask_beside_silence("/one", "GetChildren", 50s, patience *= 2);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(got->timed_out);
}

CAF_TEST(answers of wrong types are no answers) {
  if (test::skipped("answers of wrong types are no answers", {"dbus-daemon"}))
    return;
  auto all = family();
  all["/one"].junk = true;
  world w{all};
  desk d{w.address};
  auto everything = patient();
  everything.only_showing = false;
  const auto got = ask(d, everything);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK((names(*got) == strings{"program", "", "second"}));
}

CAF_TEST(what is found before a limit is told whole) {
  if (test::skipped("what is found before a limit is told whole", {"dbus-daemon"}))
    return;
  auto all = family();
  all["/two"].children = {"/four", "/five"};
  all["/four"] = all["/five"] = all["/three"];
  world w{all};
  desk d{w.address};
  auto what = patient();
  what.find = true;
  what.name = "button";
  what.matches = 1;
  const auto got = ask(d, what);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK(got->truncated);
  CAF_CHECK(!got->timed_out);
  std::vector<node> found;
  std::copy_if(got->nodes.begin(), got->nodes.end(), std::back_inserter(found),
               [](const node& one) { return one.matches; });
  CAF_REQUIRE(found.size() == 1);
  CAF_CHECK(found.front().bounds.has_value());
}

CAF_TEST(an act that never arrived is not told as done) {
  if (test::skipped("an act that never arrived is not told as done", {"dbus-daemon"}))
    return;
  auto all = family();
  all["/one"].refusal = "org.freedesktop.DBus.Error.UnknownObject";
  all["/two"].refusal = "org.freedesktop.DBus.Error.NoReply"; // it ended meanwhile
  world w{all};
  desk d{w.address};
  const auto got = ask(d, patient());
  CAF_REQUIRE(got.has_value());
  CAF_REQUIRE((names(*got) == strings{"program", "first", "second", "button"}));
  const auto lost = press(d, got->nodes[1].id);
  CAF_REQUIRE(!lost);
  CAF_CHECK(lost.error().code == errc::not_found);
  CAF_CHECK(press(d, got->nodes[2].id).has_value());
  CAF_CHECK(press(d, got->nodes[3].id).has_value());
}

CAF_TEST(only a socket is joined) {
  if (test::skipped("only a socket is joined", {"dbus-daemon"}))
    return;
  for (const auto* other : {"unixexec:path=/bin/true", "tcp:host=127.0.0.1,port=1", ";"}) {
    world w{family(), other};
    desk d{w.address};
    const auto got = ask(d, patient());
    CAF_REQUIRE(!got);
    CAF_CHECK(got.error().code == errc::busy);
    CAF_CHECK(got.error().detail.find("no socket") != std::string::npos);
  }
}

CAF_TEST(the patience of a reading covers connecting) {
  if (test::skipped("the patience of a reading covers connecting", {"dbus-daemon"}))
    return;
  world w{family(), "silence"};
  desk d{w.address};
  question what;
  what.patience = 300ms;
  const auto got = ask(d, what);
  CAF_REQUIRE(!got);
  CAF_CHECK(got.error().code == errc::busy);
  CAF_CHECK(got.error().detail.find("still connecting") != std::string::npos);
}

CAF_TEST(a bus that ends during a reading is told of) {
  if (test::skipped("a bus that ends during a reading is told of", {"dbus-daemon"}))
    return;
  auto all = family();
  all["/one"].mute = "GetChildren";
  world w{all};
  desk d{w.address};
  question what;
  what.call_limit = what.patience = 100s;
  const auto begun = std::chrono::steady_clock::now();
  auto coming = std::async(std::launch::async, [&] { return ask(d, what); });
  CAF_CHECK(w.left_unanswered()); // it never comes by itself
  w.end_bus();
  const auto got = coming.get();
  CAF_CHECK(got ? got->timed_out : got.error().code == errc::busy);
  CAF_CHECK(std::chrono::steady_clock::now() - begun < 50s);
}

CAF_TEST(without a bus there is a reason) {
  desk d{"unix:path=/nonexistent/holt-bus"};
  const auto got = ask(d, {});
  CAF_REQUIRE(!got);
  CAF_CHECK(got.error().code == errc::busy);
  CAF_CHECK(!got.error().detail.empty());
}
