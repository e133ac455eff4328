// SPDX-License-Identifier: Apache-2.0
#pragma once

// The journal of commands as a child of the tree: owns the store and the one thread that may touch
// it. Whoever needs the store posts an operation to journal_ref and hears by whatever the
// operation's own answer does; nobody waits. When the store cannot be used the actor ends with the
// reason, and the supervisor decides.

#include "actors/actor_child.hpp"
#include "link/journal_store.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>
#include <mutex>

namespace holt {

/// One thing to do with the store, on its thread. What it answers is called once the work is safe.
using journal_op = std::function<std::function<void()>(link::journal_store&)>;

/// Does operations in the order they come. Thread-safe; never blocks.
class journal_desk {
public:
  virtual ~journal_desk() = default;
  virtual void post(journal_op what) = 0;
  /// Operations that wait.
  virtual std::size_t waiting() const { return 0; }
};

/// The desk of the journal that runs now. Thread-safe.
class journal_ref {
public:
  journal_ref() : box_{std::make_shared<box>()} {}
  void set(std::shared_ptr<journal_desk> desk) const;
  void clear() const { set(nullptr); }
  /// False: there is no journal now, and nothing will be called.
  bool post(journal_op what) const;
  std::size_t waiting() const;

private:
  struct box {
    mutable std::mutex mutex;
    std::shared_ptr<journal_desk> desk;
  };
  std::shared_ptr<journal_desk> desk() const;
  std::shared_ptr<box> box_;
};

/// A desk on a thread of its own; opens the store there. `opened` is called on that thread.
std::shared_ptr<journal_desk> make_journal_thread(link::journal_options how,
                                                  std::function<void(result<std::string>)> opened);

struct journal_deps {
  link::journal_options store;
  journal_ref place;
  std::function<void()> on_ready;
  std::function<void(std::string why)> on_fault; ///< before it ends
};

/// Opens the store, says that it is ready, sweeps it every minute.
caf::actor spawn_journal(caf::actor_system& system, journal_deps deps);

} // namespace holt
