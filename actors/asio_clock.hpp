// SPDX-License-Identifier: Apache-2.0
#pragma once

// CAF's actor clock on an Asio timer. Requests come from any thread into an unbounded inbox under
// a mutex and are applied on one strand, so a request never waits for the clock (the stock clock's
// 64-slot ring can deadlock with itself). Owned by the scheduler module.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <caf/all.hpp>
#include <caf/detail/simple_actor_clock.hpp>

#include <mutex>
#include <vector>

namespace holt {

class asio_clock final : public caf::detail::simple_actor_clock {
public:
  explicit asio_clock(boost::asio::io_context& io);

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

  /// Drops every timeout. Only once no thread runs the io_context any more.
  void clear();

private:
  void push(unique_event_ptr what);
  void apply_inbox();
  void apply(unique_event_ptr what);
  void arm();
  template <class Event>
  void add(unique_event_ptr& what);

  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::steady_timer timer_;
  time_point armed_ = time_point::max(); ///< what timer_ waits for; strand only
  std::mutex mutex_;
  std::vector<unique_event_ptr> inbox_;
};

} // namespace holt
