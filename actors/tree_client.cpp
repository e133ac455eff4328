// SPDX-License-Identifier: Apache-2.0
#include "actors/tree_client.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace holt {

namespace {

using namespace std::chrono_literals;
using supervision::tree_report;

constexpr auto answer_limit = 5s;
constexpr auto look_interval = 20ms;

error no_answer(const caf::error& why) {
  return {errc::timeout, "the supervisor did not answer: " + caf::to_string(why)};
}

} // namespace

tree_client::tree_client(caf::actor_system& system, boost::asio::any_io_executor executor,
                         supervision::supervisor_actor supervisor)
  : system_{&system}, executor_{std::move(executor)}, supervisor_{std::move(supervisor)} {}

template <class Request>
void tree_client::ask(Request what, answer<void> done) const {
  system_->spawn([=, to = supervisor_](caf::event_based_actor* self) {
    self->request(to, answer_limit, what)
      .then(
        [done](const supervision::outcome& got) {
          done(got.ok() ? result<void>{} : result<void>{got.why});
        },
        [done](const caf::error& why) { done(no_answer(why)); });
  });
}

void tree_client::snapshot(answer<tree_report> done) const {
  system_->spawn([=, to = supervisor_](caf::event_based_actor* self) {
    self->request(to, answer_limit, supervision::snapshot_request{})
      .then([done](const tree_report& got) { done(got); },
            [done](const caf::error& why) { done(no_answer(why)); });
  });
}

void tree_client::start(const child_id& id, answer<void> done) const {
  ask(supervision::start_request{id}, std::move(done));
}

void tree_client::stop(const child_id& id, answer<void> done) const {
  ask(supervision::stop_request{id}, std::move(done));
}

void tree_client::restart(const child_id& id, answer<void> done) const {
  ask(supervision::restart_request{id}, std::move(done));
}

void tree_client::add(supervision::child_spec spec, answer<void> done) const {
  ask(supervision::add_request{std::move(spec)}, std::move(done));
}

void tree_client::stop_all(std::chrono::milliseconds limit, answer<void> done) const {
  system_->spawn([=, to = supervisor_](caf::event_based_actor* self) {
    self->request(to, limit, supervision::stop_all_request{})
      .then([done](const supervision::stop_all_done&) { done({}); },
            [done](const caf::error& why) { done(no_answer(why)); });
  });
}

void tree_client::hurry() const {
  caf::anon_send(supervisor_, supervision::hurry{});
}

void tree_client::wait(predicate enough, std::chrono::milliseconds limit,
                       answer<tree_report> done) const {
  struct waiting {
    tree_client tree;
    predicate enough;
    std::chrono::steady_clock::time_point until;
    answer<tree_report> done;
    boost::asio::steady_timer timer;

    static void look(const std::shared_ptr<waiting>& self) {
      self->tree.snapshot([self](result<tree_report> got) {
        if (!got || self->enough(*got) || std::chrono::steady_clock::now() >= self->until) {
          self->done(std::move(got));
          return;
        }
        self->timer.expires_after(look_interval);
        self->timer.async_wait([self](boost::system::error_code ec) {
          if (!ec)
            look(self);
        });
      });
    }
  };
  auto until = std::chrono::steady_clock::now() + limit;
  waiting::look(std::make_shared<waiting>(waiting{*this, std::move(enough), until, std::move(done),
                                                  boost::asio::steady_timer{executor_}}));
}

const child_snapshot* find_node(const tree_report& tree, const child_id& id) {
  for (const auto& node : tree.nodes)
    if (node.id == id)
      return &node;
  return nullptr;
}

} // namespace holt
