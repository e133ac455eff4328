// SPDX-License-Identifier: Apache-2.0
#include "actors/asio_clock.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

namespace holt {

asio_clock::asio_clock(boost::asio::io_context& io) : strand_{io.get_executor()}, timer_{io} {}

void asio_clock::set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                      std::uint64_t id) {
  push(std::make_unique<ordinary_timeout>(t, self->ctrl(), type, id));
}

void asio_clock::set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                                   std::uint64_t id) {
  push(std::make_unique<multi_timeout>(t, self->ctrl(), type, id));
}

void asio_clock::set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) {
  push(std::make_unique<request_timeout>(t, self->ctrl(), id));
}

void asio_clock::cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) {
  push(std::make_unique<ordinary_timeout_cancellation>(self->id(), type));
}

void asio_clock::cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) {
  push(std::make_unique<request_timeout_cancellation>(self->id(), id));
}

void asio_clock::cancel_timeouts(caf::abstract_actor* self) {
  push(std::make_unique<timeouts_cancellation>(self->id()));
}

void asio_clock::schedule_message(time_point t, caf::strong_actor_ptr receiver,
                                  caf::mailbox_element_ptr content) {
  push(std::make_unique<actor_msg>(t, std::move(receiver), std::move(content)));
}

void asio_clock::schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                                  caf::message content) {
  push(std::make_unique<group_msg>(t, std::move(target), std::move(sender), std::move(content)));
}

void asio_clock::cancel_all() {
  push(std::make_unique<drop_all>());
}

void asio_clock::push(unique_event_ptr what) {
  bool was_empty;
  {
    std::lock_guard guard{mutex_};
    was_empty = inbox_.empty();
    inbox_.push_back(std::move(what));
  }
  if (was_empty)
    boost::asio::post(strand_, [this] { apply_inbox(); });
}

void asio_clock::apply_inbox() {
  std::vector<unique_event_ptr> batch;
  {
    std::lock_guard guard{mutex_};
    batch.swap(inbox_);
  }
  for (auto& what : batch)
    apply(std::move(what));
  trigger_expired_timeouts();
  arm();
}

void asio_clock::arm() {
  auto due = schedule_.empty() ? time_point::max() : schedule_.begin()->first;
  if (due == armed_)
    return;
  armed_ = due;
  if (due == time_point::max()) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(due); // cancels the wait before
  timer_.async_wait(boost::asio::bind_executor(strand_, [this](boost::system::error_code ec) {
    if (ec)
      return;
    armed_ = time_point::max();
    trigger_expired_timeouts();
    arm();
  }));
}

template <class Event>
void asio_clock::add(unique_event_ptr& what) {
  add_schedule_entry(std::unique_ptr<Event>{static_cast<Event*>(what.release())});
}

void asio_clock::apply(unique_event_ptr what) {
  switch (what->subtype) {
  case ordinary_timeout_type: add<ordinary_timeout>(what); break;
  case multi_timeout_type: add<multi_timeout>(what); break;
  case request_timeout_type: add<request_timeout>(what); break;
  case actor_msg_type: add<actor_msg>(what); break;
  case group_msg_type: add<group_msg>(what); break;
  case ordinary_timeout_cancellation_type:
    handle(static_cast<ordinary_timeout_cancellation&>(*what));
    break;
  case multi_timeout_cancellation_type:
    handle(static_cast<multi_timeout_cancellation&>(*what));
    break;
  case request_timeout_cancellation_type:
    handle(static_cast<request_timeout_cancellation&>(*what));
    break;
  case timeouts_cancellation_type: handle(static_cast<timeouts_cancellation&>(*what)); break;
  case drop_all_type:
  case shutdown_type:
    schedule_.clear();
    actor_lookup_.clear();
    break;
  }
}

void asio_clock::clear() {
  // Destroying an entry may destroy an actor, which cancels its timeouts: push() only queues.
  while (true) {
    std::vector<unique_event_ptr> batch;
    {
      std::lock_guard guard{mutex_};
      batch.swap(inbox_);
    }
    auto schedule = std::move(schedule_);
    schedule_.clear();
    actor_lookup_.clear();
    if (batch.empty() && schedule.empty())
      return;
  }
}

} // namespace holt
