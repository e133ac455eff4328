// SPDX-License-Identifier: Apache-2.0

// What the API does to a node, one call after the other: is it there and able, may it be done, is
// it done.

#include "accessibility/tree.hpp"
#include "accessibility/walk.hpp"
#include "accessibility/words.hpp"

#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace holt::accessibility {

namespace {

const char* interface_of(act_kind kind) {
  switch (kind) {
  case act_kind::action: return action_interface;
  case act_kind::focus: return component_interface;
  case act_kind::text: return editable_interface;
  case act_kind::value: return value_interface;
  }
  return "";
}

const char* inability(act_kind kind) {
  switch (kind) {
  case act_kind::action: return "it has no actions";
  case act_kind::focus: return "it cannot have the keyboard";
  case act_kind::text: return "its text cannot be set so; give it the focus and type";
  case act_kind::value: return "it has no value";
  }
  return "";
}

constexpr std::size_t most_actions = 32;
constexpr std::size_t most_interfaces = 64;
constexpr std::size_t listed_bytes = 2'000; ///< of what is told of names in an error

error cannot(const std::string& why) {
  return {errc::desktop_invalid_action, why};
}

/// One act on its way.
class deed : public std::enable_shared_from_this<deed> {
public:
  deed(bus& over, act what, std::function<void(const result<void>&)> then)
    : bus_{over}, what_{std::move(what)}, then_{std::move(then)} {}

  void begin() {
    auto where = parse_node_id(what_.id, bus_.mark());
    if (!where)
      return then_(where.error());
    where_ = std::move(*where);
    bus_.call(where_, accessible_interface, "GetInterfaces", what_.limit, nullptr,
              [self = shared_from_this()](const result<sd_bus_message*>& got) { self->know(got); });
  }

private:
  void know(const result<sd_bus_message*>& got) {
    if (!got)
      return then_(unknown(got.error()));
    const auto able = read_texts(*got, most_interfaces).value_or(std::vector<std::string>{});
    if (std::find(able.begin(), able.end(), interface_of(what_.kind)) == able.end())
      return then_(cannot(inability(what_.kind)));
    if (what_.kind != act_kind::action)
      return perform(0);
    bus_.call(
      where_, action_interface, "GetActions", what_.limit, nullptr,
      [self = shared_from_this()](const result<sd_bus_message*>& names) { self->choose(names); });
  }

  /// Why it is not begun.
  error unknown(const error& why) const {
    switch (why.code) {
    case errc::timeout: return {errc::timeout, "its program does not answer; nothing was done"};
    case errc::busy:
    case errc::io: return why;
    default: return gone();
    }
  }

  error gone() const { return {errc::not_found, "there is no node '" + what_.id + "' (any more)"}; }

  void choose(const result<sd_bus_message*>& got) {
    if (!got)
      return then_(got.error().code == errc::unsupported ? cannot(inability(act_kind::action))
                                                         : unknown(got.error()));
    names_ = read_actions(*got, most_actions).value_or(std::vector<std::string>{});
    for (auto& name : names_)
      name = shortened(std::move(name), name_limit);
    if (!what_.action && !names_.empty())
      return perform(0);
    // Those without a name tell it when asked (Chromium).
    ++open_;
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (names_[i].empty()) {
        ++open_;
        bus_.call(
          where_, action_interface, "GetName", what_.limit,
          [i](sd_bus_message* m) { return sd_bus_message_append(m, "i", static_cast<int>(i)); },
          [self = shared_from_this(), i](const result<sd_bus_message*>& name) {
            if (name)
              self->names_[i] = shortened(read_text(*name).value_or(""), name_limit);
            self->pick();
          });
      }
    pick();
  }

  /// When all names are known.
  void pick() {
    if (--open_ > 0)
      return;
    const auto i = std::find(names_.begin(), names_.end(), what_.action.value_or(""));
    if (i != names_.end())
      return perform(static_cast<int>(i - names_.begin()));
    std::string known;
    for (const auto& one : names_)
      known += (known.empty() ? "" : ", ") + one;
    then_(cannot(names_.empty() ? inability(act_kind::action)
                                : "it has no action '" + what_.action.value_or("")
                                    + "', only: " + shortened(known, listed_bytes)));
  }

  void perform(int action) {
    if (auto may = what_.may ? what_.may() : result<void>{}; !may)
      return then_(may);
    auto done
      = [self = shared_from_this()](const result<sd_bus_message*>& got) { self->told(got, true); };
    switch (what_.kind) {
    case act_kind::action:
      return bus_.call(
        where_, action_interface, "DoAction", what_.limit,
        [action](sd_bus_message* m) { return sd_bus_message_append(m, "i", action); }, done);
    case act_kind::focus:
      return bus_.call(where_, component_interface, "GrabFocus", what_.limit, nullptr, done);
    case act_kind::text:
      return bus_.call(
        where_, editable_interface, "SetTextContents", what_.limit,
        [this](sd_bus_message* m) { return sd_bus_message_append(m, "s", what_.text.c_str()); },
        done);
    case act_kind::value:
      return bus_.call(
        where_, "org.freedesktop.DBus.Properties", "Set", what_.limit,
        [this](sd_bus_message* m) {
          return sd_bus_message_append(m, "ssv", value_interface, "CurrentValue", "d", what_.value);
        },
        [self = shared_from_this()](const result<sd_bus_message*>& got) {
          self->told(got, false);
        });
    }
  }

  void told(const result<sd_bus_message*>& got, bool with_flag) {
    if (got)
      return then_(!with_flag || read_flag(*got).value_or(true)
                     ? result<void>{}
                     : result<void>{error{errc::conflict, "its program refused"}});
    if (got.error().code == errc::timeout)
      return then_(error{errc::timeout, "its program does not answer; whether it took effect is "
                                        "not known"});
    // A button that closes its window may take its answer along.
    if (got.error().code == errc::interrupted && what_.kind == act_kind::action)
      return then_({});
    if (got.error().code == errc::interrupted || got.error().code == errc::not_found)
      return then_(gone());
    then_(got.error().code == errc::unsupported ? cannot(inability(what_.kind)) : got.error());
  }

  bus& bus_;
  act what_;
  node_address where_;
  std::vector<std::string> names_; ///< of its actions
  unsigned open_ = 0;              ///< names that are asked for
  std::function<void(const result<void>&)> then_;
};

} // namespace

desk::desk(std::string session_address) : bus_{std::move(session_address)} {}

void desk::wake() {
  bus_.post([this] { bus_.connect([](const result<void>&) {}); });
}

void desk::read(question what, std::function<void(const result<answer>&)> then) {
  bus_.post([this, what = std::move(what), then = std::move(then)] {
    const auto until = std::chrono::steady_clock::now() + what.patience;
    // Empty once it is answered or the walk has it.
    auto asked = std::make_shared<std::function<void(const result<answer>&)>>(then);
    bus_.after(what.patience, [waits = std::weak_ptr{asked}] {
      if (auto late = waits.lock(); late && *late)
        std::exchange(*late,
                      nullptr)(error{errc::busy, "the accessibility bus is still connecting"});
    });
    bus_.connect([this, what, until, asked](const result<void>& got) {
      auto tell = std::exchange(*asked, nullptr);
      if (!tell)
        return;
      if (!got)
        return tell(got.error());
      auto rest = what;
      const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
      rest.patience = std::max(left, milliseconds{1});
      std::make_shared<walk>(bus_, rest, tell)->begin();
    });
  });
}

void desk::perform(act what, std::function<void(const result<void>&)> then) {
  bus_.post([this, what = std::move(what), then = std::move(then)] {
    bus_.connect([this, what, then](const result<void>& got) {
      if (!got)
        return then(got.error());
      std::make_shared<deed>(bus_, what, then)->begin();
    });
  });
}

std::string launcher_program() {
  for (const auto* path :
       {"/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher"})
    if (::access(path, X_OK) == 0)
      return path;
  return {};
}

} // namespace holt::accessibility
