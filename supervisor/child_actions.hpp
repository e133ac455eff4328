// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rows of the child's table: what one event does in one state. Used by child_machine.cpp
// only; lives for one step and never longer.

#include "supervisor/child_machine.hpp"

namespace holt::supervision {

struct run {
  child& c;
  const child_spec& spec;
  const moment& when;
  const machine_event& what;
  std::vector<effect>& out;

  // -- nothing to do
  void same() {}              ///< it is so already
  void stale() { ++c.stale; } ///< too late to matter

  // -- asked
  void begin();        ///< start afresh
  void again();        ///< start when this run is over
  void unwant();       ///< never started, or given up
  void rest();         ///< no process: stopped
  void halt();         ///< stop it
  void halt_hung();    ///< it answers no probe: kill it, then rest
  void settle();       ///< already ending: then rest
  void redo();         ///< stop it, then start
  void redo_hung();    ///< kill it, then start
  void redo_next();    ///< already ending: then start
  void hasten();       ///< graces are 0 from now on
  void hasten_kill();  ///< its grace ends now
  void hasten_grace(); ///< it is being killed already

  // -- dependencies
  void open();
  void open_go(); ///< it was waiting for this
  void close();
  void close_halt();
  void close_hung();
  void close_dying();
  void close_backoff();

  // -- the port
  void live();      ///< it exists
  void live_stop(); ///< it did not exist yet when it was asked to end
  void live_kill(); ///< nor when it was killed
  void no_spawn();
  void no_spawn_asked();
  void prove();  ///< it is ready
  void extend(); ///< it still starts
  void answer();
  void miss();
  void die();
  void end_asked(); ///< it ended within its grace
  void end_killed();
  void verify();

  // -- timers
  void overdue();   ///< not ready in time
  void kill_now();  ///< grace is over
  void abandon();   ///< kill grace is over
  void retry_now(); ///< back-off or cool-down is over
  void steady();
  void ask();    ///< a live probe is due
  void silent(); ///< it was not answered

private:
  template <class T>
  const T& heard() const {
    return std::get<T>(std::get<port_said>(what).what);
  }

  bool sweeps() const { return spec.kind == child_kind::process; }
  bool temporary() const { return spec.restart == restart_policy::temporary; }

  void to(child_state next, std::string reason);
  void arm(timer which, milliseconds after);
  void cancel(timer which);
  void cancel_all();
  void launch();
  void launch_or_wait();
  void stop_run(aftermath next, std::string reason);
  void kill_run(std::string reason);
  void record(death_cause cause, int code, std::string detail,
              std::vector<std::string> last_lines = {}, std::uint64_t peak_rss_bytes = 0);
  void finish();
  void decide();
  void give_up(std::string reason);
  void count_miss();
  void next_probe();
  void forgive();
};

} // namespace holt::supervision
