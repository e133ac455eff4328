// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE walk

// Readings of programs that do not behave: on a private bus, from objects that the test makes up.

#include "accessibility/tree.hpp"
#include "tests/desktop/xvfb.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <systemd/sd-bus.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <thread>

using namespace holt;
using namespace holt::accessibility;
using namespace std::chrono_literals;

namespace {

/// What an object answers; a method that `mute` names is never answered.
struct object {
  std::string name;
  std::uint32_t role = 39;
  std::vector<std::string> children; ///< paths
  std::string mute;
  bool junk = false;        ///< answers of wrong types
  std::string refusal = {}; ///< D-Bus error that its action is answered with
};

/// A bus daemon of the test's own, which is the session's and the tree's at once, with everything
/// on it: launcher, registry and one program.
class world {
public:
  /// `tells` is the launcher's answer, where that is not the bus; "silence" is none.
  explicit world(std::map<std::string, object> objects, std::string tells = {})
    : objects_{std::move(objects)}, tells_{std::move(tells)} {
    char name[] = "/tmp/holt-bus-XXXXXX";
    folder_ = ::mkdtemp(name);
    address = "unix:path=" + folder_ + "/bus";
    std::ofstream{folder_ + "/bus.conf"}
      << "<busconfig><type>session</type><listen>" << address
      << "</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow "
         "send_destination=\"*\"/>"
         "<allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>";
    daemon_ = std::make_unique<test::child>(
      std::vector<std::string>{"dbus-daemon", "--config-file=" + folder_ + "/bus.conf", "--nofork",
                               "--nopidfile"},
      "");
    for (int i = 0; i < 3'000 && !std::filesystem::exists(folder_ + "/bus"); ++i)
      ::poll(nullptr, 0, 10);
    serve_ = std::thread{[this] { serve(); }};
    ready_.get_future().wait();
  }

  ~world() {
    stop_ = true;
    serve_.join();
    std::filesystem::remove_all(folder_);
  }

  void end_bus() { daemon_.reset(); }
  /// Somebody asked what is left unanswered; false: not within 60 s.
  bool left_unanswered() const {
    for (int i = 0; i < 6'000 && !unanswered_; ++i)
      ::poll(nullptr, 0, 10);
    return unanswered_;
  }

  std::string address;

private:
  static int on_message(sd_bus_message* m, void* data, sd_bus_error*) {
    return static_cast<world*>(data)->handle(m);
  }

  int reply_children(sd_bus_message* m, const std::vector<std::string>& paths) {
    sd_bus_message* out = nullptr;
    const char* own = nullptr;
    sd_bus_get_unique_name(bus_, &own);
    int r = sd_bus_message_new_method_return(m, &out);
    if (r >= 0)
      r = sd_bus_message_open_container(out, 'a', "(so)");
    for (const auto& path : paths)
      if (r >= 0)
        r = sd_bus_message_append(out, "(so)", own, path.c_str());
    if (r >= 0)
      r = sd_bus_message_close_container(out);
    if (r >= 0)
      r = sd_bus_send(nullptr, out, nullptr);
    sd_bus_message_unref(out);
    return r < 0 ? r : 1;
  }

  int handle(sd_bus_message* m) {
    std::uint8_t kind = 0;
    sd_bus_message_get_type(m, &kind);
    if (kind != SD_BUS_MESSAGE_METHOD_CALL)
      return 0;
    const std::string path = sd_bus_message_get_path(m);
    const std::string member = sd_bus_message_get_member(m);
    if (member == "GetAddress")
      return tells_ == "silence" ? 1
                                 : sd_bus_reply_method_return(
                                   m, "s", tells_.empty() ? address.c_str() : tells_.c_str());
    if (member == "Set")
      return sd_bus_reply_method_return(m, "");
    const auto i = objects_.find(path);
    if (i == objects_.end())
      return 0;
    const auto& it = i->second;
    if (member == it.mute) {
      unanswered_ = true;
      return 1;
    }
    if (it.junk)
      return sd_bus_reply_method_return(m, "(dd)", 1.0, 2.0);
    if (member == "GetChildren")
      return reply_children(m, it.children);
    if (member == "GetRole")
      return sd_bus_reply_method_return(m, "u", it.role);
    if (member == "GetState")
      return sd_bus_reply_method_return(m, "au", 2, 1u << 25, 0u);
    if (member == "GetInterfaces")
      return sd_bus_reply_method_return(m, "as", 3, accessible_interface, component_interface,
                                        action_interface);
    if (member == "GetActions")
      return sd_bus_reply_method_return(m, "a(sss)", 1, "press", "", "");
    if (member == "DoAction" && !it.refusal.empty())
      return sd_bus_reply_method_errorf(m, it.refusal.c_str(), "%s", "as the test wants");
    if (member == "DoAction")
      return sd_bus_reply_method_return(m, "b", 1);
    if (member == "GetExtents")
      return sd_bus_reply_method_return(m, "(iiii)", 1, 2, 30, 40);
    if (member == "Get")
      return sd_bus_reply_method_return(m, "v", "s", it.name.c_str());
    return 0;
  }

  int open() {
    int r = sd_bus_new(&bus_);
    if (r >= 0)
      r = sd_bus_set_address(bus_, address.c_str());
    if (r >= 0)
      r = sd_bus_set_bus_client(bus_, 1);
    return r >= 0 ? sd_bus_start(bus_) : r;
  }

  void serve() {
    int r = open();
    // Its socket is there before it listens.
    for (int i = 0; i < 3'000 && (r == -ECONNREFUSED || r == -ENOENT); ++i) {
      ::poll(nullptr, 0, 10);
      bus_ = sd_bus_unref(bus_);
      r = open();
    }
    if (r >= 0)
      r = sd_bus_add_filter(bus_, nullptr, &world::on_message, this);
    for (const auto* name : {"org.a11y.Bus", "org.a11y.atspi.Registry"})
      if (r >= 0)
        r = sd_bus_request_name(bus_, name, 0);
    if (r < 0)
      std::printf("the made-up programs cannot be reached: %d\n", r);
    ready_.set_value();
    while (r >= 0 && !stop_) {
      r = sd_bus_process(bus_, nullptr);
      if (r == 0)
        sd_bus_wait(bus_, 20'000); // µs; then it looks whether to stop
    }
    sd_bus_flush_close_unref(bus_);
  }

  std::map<std::string, object> objects_;
  std::string tells_;
  std::string folder_;
  std::unique_ptr<test::child> daemon_;
  sd_bus* bus_ = nullptr;
  std::thread serve_;
  std::promise<void> ready_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> unanswered_{false};
};

constexpr const char* root = "/org/a11y/atspi/accessible/root";

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
  const auto got = ask_beside_silence("/one", "GetChildren", 50s, 500ms);
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
