// SPDX-License-Identifier: Apache-2.0
#pragma once

// A bus of a test's own with programs that the test makes up: what they answer, what they leave
// unanswered, how they refuse. Header only. The bus is a real dbus-daemon, ended with the object;
// the programs are one thread.

#include "accessibility/tree.hpp"
#include "tests/desktop/xvfb.hpp"

#include <systemd/sd-bus.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace holt::test {

/// Where the tree begins.
inline constexpr const char* root = "/org/a11y/atspi/accessible/root";

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
    daemon_ = std::make_unique<child>(
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
      return sd_bus_reply_method_return(m, "as", 3, accessibility::accessible_interface,
                                        accessibility::component_interface,
                                        accessibility::action_interface);
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
  std::unique_ptr<child> daemon_;
  sd_bus* bus_ = nullptr;
  std::thread serve_;
  std::promise<void> ready_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> unanswered_{false};
};

} // namespace holt::test
