// SPDX-License-Identifier: Apache-2.0
#pragma once

// Asks the supervisor from code that is no actor: requests with a callback, and waiting until the
// tree is as wanted. Answers come once, on any thread, within the time limit.

#include "supervisor/supervisor_actor.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>

namespace holt {

class tree_client {
public:
  template <class T>
  using answer = std::function<void(result<T>)>;

  tree_client() = default;
  tree_client(caf::actor_system& system, boost::asio::any_io_executor executor,
              supervision::supervisor_actor supervisor);

  void snapshot(answer<supervision::tree_report> done) const;
  void start(const child_id& id, answer<void> done) const;
  void stop(const child_id& id, answer<void> done) const;
  void restart(const child_id& id, answer<void> done) const;
  void add(supervision::child_spec spec, answer<void> done) const;
  /// Orderly stop of everything; errc::timeout after `limit`.
  void stop_all(std::chrono::milliseconds limit, answer<void> done) const;
  void hurry() const;

  using predicate = std::function<bool(const supervision::tree_report&)>;
  /// Looks every 20 ms until `enough` says so, or answers what is there at the limit.
  void wait(predicate enough, std::chrono::milliseconds limit,
            answer<supervision::tree_report> done) const;

private:
  template <class Request>
  void ask(Request what, answer<void> done) const;

  caf::actor_system* system_ = nullptr;
  boost::asio::any_io_executor executor_;
  supervision::supervisor_actor supervisor_;
};

/// The node with this id; null when there is none.
const child_snapshot* find_node(const supervision::tree_report& tree, const child_id& id);

} // namespace holt
