// SPDX-License-Identifier: Apache-2.0
#pragma once

// The connection to the accessibility bus (AT-SPI) and the thread that it lives on. The thread is
// begun by the first job and sleeps in poll; the connection is made when somebody needs it, by the
// session bus, which starts the bus launcher, and again after it was lost. Calls never block: each
// answers by a callback on the thread, at the latest after its limit.

#include "messages/error.hpp"

#include <array>
#include <chrono>
#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct sd_bus_message;

namespace holt::accessibility {

using std::chrono::milliseconds;

/// Where an object of a program is found.
struct node_address {
  std::string bus;  ///< the program's name on the bus
  std::string path; ///< its object
  auto operator<=>(const node_address&) const = default;
};

constexpr const char* accessible_interface = "org.a11y.atspi.Accessible";
constexpr const char* action_interface = "org.a11y.atspi.Action";
constexpr const char* component_interface = "org.a11y.atspi.Component";
constexpr const char* editable_interface = "org.a11y.atspi.EditableText";
constexpr const char* text_interface = "org.a11y.atspi.Text";
constexpr const char* value_interface = "org.a11y.atspi.Value";

/// The answer of a call, or: timeout; not_found, when the program or the object is gone and was not
/// asked; interrupted, when it ended and may have been asked; unsupported, when it lacks the
/// method; busy, when the bus ended; io for any other.
using reply = std::function<void(const result<sd_bus_message*>&)>;
/// Appends the arguments; negative where that failed.
using arguments = std::function<int(sd_bus_message*)>;

class bus {
public:
  /// `session_address` is the session bus's.
  explicit bus(std::string session_address);
  /// Ends the thread; what waits is dropped without an answer.
  ~bus();
  bus(const bus&) = delete;
  bus& operator=(const bus&) = delete;

  /// Runs `job` on the thread. Any thread.
  void post(std::function<void()> job);

  // -- the rest is for the thread only

  /// Connects where there is no connection; then, or with the reason why there is none.
  void connect(std::function<void(const result<void>&)> then);
  void call(const node_address& to, const char* interface, const char* member, milliseconds limit,
            const arguments& append, reply then);
  /// A property of an interface.
  void property(const node_address& of, const char* interface, const char* name, milliseconds limit,
                reply then);
  /// Runs `job` once, so much later.
  void after(milliseconds delay, std::function<void()> job);
  /// Tells this bus from an earlier one, whose names may be given again: four letters.
  const std::string& mark() const;

private:
  struct core;
  std::shared_ptr<core> core_;
};

// -- what is read out of a message; nothing where it holds something else

std::optional<std::string> read_text(sd_bus_message* from);
std::optional<std::uint32_t> read_number(sd_bus_message* from);
std::optional<bool> read_flag(sd_bus_message* from);
/// The first `limit` of what a list holds, here and below.
std::optional<std::vector<std::string>> read_texts(sd_bus_message* from, std::size_t limit);
std::optional<std::vector<std::uint32_t>> read_numbers(sd_bus_message* from, std::size_t limit);
/// `a(so)`.
std::optional<std::vector<node_address>> read_addresses(sd_bus_message* from, std::size_t limit);
/// The first texts of `a(sss)`.
std::optional<std::vector<std::string>> read_actions(sd_bus_message* from, std::size_t limit);
std::optional<std::array<int, 4>> read_rectangle(sd_bus_message* from);
/// Out of a variant.
std::optional<std::string> read_text_property(sd_bus_message* from);
std::optional<double> read_double_property(sd_bus_message* from);
std::optional<int> read_number_property(sd_bus_message* from);

} // namespace holt::accessibility
