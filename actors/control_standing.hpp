// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an act by the API is measured against: who has control, whether the agent is paused, and of
// when the caller's knowledge is. Pure values and the two questions about them. The control actor
// decides (control_logic), control_gate carries it to wherever an act takes effect.

#include "messages/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holt::control {

/// Who calls by the API.
struct caller {
  std::string key;     ///< tells callers apart: of a browser's session, a lease or a token
  std::string name;    ///< for people
  bool person = false; ///< came from the page; everybody else is the agent
  bool admin = false;
  /// Of when its knowledge is; none: of the moment when it called.
  std::optional<std::uint64_t> epoch;
};

struct standing {
  std::uint64_t epoch = 0;       ///< grows with every change
  std::uint64_t agent_epoch = 0; ///< of the last change that held the agent off or let it go on
  bool taken = false;            ///< the agent is held off by a person
  std::string taken_by;          ///< name; outlives an abnormal drop
  std::string holder;            ///< key of who took control; empty: nobody's calls are let through
  bool paused = false;           ///< the agent is held off until somebody resumes it
  std::string paused_by;         ///< name
  std::string pauser;            ///< key
  std::string driver;            ///< name of who drives the live view; may be empty

  bool holds_off_agent() const noexcept { return taken || paused; }
};

/// Why not.
enum class refusal : std::uint8_t { none, held, paused, changed };

refusal refuses_act(const standing& now, const caller& who);
/// The same for a picture: only knowledge of before a change is refused.
refusal refuses_look(const standing& now, const caller& who);

/// The word that callers see: control_held, control_paused, control_changed; empty for none.
std::string_view word(refusal why);

/// errc::control_held, with the name of who it was.
result<void> may_act(const standing& now, const caller& who);
result<void> may_look(const standing& now, const caller& who);

} // namespace holt::control
