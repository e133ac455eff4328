// SPDX-License-Identifier: Apache-2.0
#pragma once

// An actor as a child of the supervision tree, and the name under which others find it while it
// is restarted. The supervisor stops it by an exit message; its end is seen whatever its reason.

#include "supervisor/child_voice.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>
#include <mutex>

namespace holt {

/// Where the newest incarnation of one actor is. Thread-safe; empty until it was started.
template <class Handle>
class actor_ref {
public:
  actor_ref() : box_{std::make_shared<box>()} {}

  void set(Handle what) const {
    std::lock_guard guard{box_->mutex};
    box_->handle = std::move(what);
  }

  void clear() const {
    std::lock_guard guard{box_->mutex};
    box_->handle = nullptr;
  }

  /// Drops the message when nobody is there, and says so.
  template <class Message>
  bool send(Message what) const {
    Handle target;
    {
      std::lock_guard guard{box_->mutex};
      target = box_->handle;
    }
    if (!target)
      return false;
    caf::anon_send(target, std::move(what));
    return true;
  }

private:
  struct box {
    std::mutex mutex;
    Handle handle;
  };
  std::shared_ptr<box> box_;
};

struct actor_child_options {
  child_id id;
  /// Makes the actor; called for every start, on the supervisor's thread.
  std::function<caf::actor()> spawn;
  /// After it ended.
  std::function<void()> on_end;
  /// It calls `ready` itself when it serves; otherwise being spawned is being ready.
  bool reports_ready = false;
};

class actor_child final : public supervision::child_port,
                          public std::enable_shared_from_this<actor_child> {
public:
  explicit actor_child(actor_child_options how);

  void start(generation gen, supervision::event_sink sink) override;
  void stop(generation gen) override;
  void kill(generation gen) override;
  void probe(generation gen) override;

  /// For actors that report themselves: it serves.
  void report_ready();
  /// Or it has an error to end with, in words.
  void report_end_reason(std::string text);

private:
  void ended(generation gen, const caf::error& reason);

  actor_child_options how_;
  supervision::child_voice voice_;
  caf::actor actor_;       ///< of the present run, under the voice's lock
  std::string end_reason_; ///< the same
};

std::shared_ptr<actor_child> make_actor_child(actor_child_options how);

} // namespace holt
