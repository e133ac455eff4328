// SPDX-License-Identifier: Apache-2.0
#include "app/link_children.hpp"

#include "actors/realtime_channel.hpp"
#include "app/fault_steps.hpp"
#include "link/realtime_client.hpp"

#include <boost/asio/post.hpp>

namespace holt {

namespace {

using supervision::child_spec;

/// The broker lives as long as the daemon; as a child it is what is ready, and what is closed.
class broker_child final : public supervision::child_port {
public:
  explicit broker_child(std::shared_ptr<broker::broker> what) : broker_{std::move(what)} {}

  void start(generation gen, supervision::event_sink sink) override {
    {
      std::lock_guard guard{mutex_};
      sink_ = sink;
    }
    broker_->open(); // it was closed when this is a restart
    sink(gen, supervision::spawned{});
    sink(gen, supervision::became_ready{});
  }
  void stop(generation gen) override {
    broker_->close_all([gen, sink = sink()] {
      supervision::exited what;
      what.cause = death_cause::actor;
      sink(gen, std::move(what));
    });
  }
  void kill(generation gen) override { sink()(gen, supervision::kill_verified{0}); }
  void probe(generation gen) override { sink()(gen, supervision::probe_ok{}); }

private:
  supervision::event_sink sink() const {
    std::lock_guard guard{mutex_};
    return sink_;
  }
  std::shared_ptr<broker::broker> broker_;
  mutable std::mutex mutex_;
  supervision::event_sink sink_;
};

child_spec base_spec(const child_id& id, const child_id& parent, const config& values) {
  auto defaults = make_defaults(values);
  child_spec out;
  out.id = id;
  out.parent = parent;
  out.kind = child_kind::actor;
  out.backoff = defaults.backoff;
  out.budget = defaults.budget;
  out.stop.grace = std::chrono::seconds{2};
  // A desktop without its link is still of use: one attempt each five minutes.
  out.on_exhausted = supervision::exhausted_policy::cooldown;
  return out;
}

/// An actor child that reports itself; the actor gets these two to do so.
template <class Spawn>
std::shared_ptr<actor_child> reporting_child(const child_id& id, Spawn spawn,
                                             std::function<void()> on_end) {
  auto self = std::make_shared<std::weak_ptr<actor_child>>();
  actor_child_options how;
  how.id = id;
  how.reports_ready = true;
  how.on_end = std::move(on_end);
  how.spawn = [self, spawn] {
    auto ready = [self] {
      if (auto child = self->lock())
        child->report_ready();
    };
    auto fault = [self](std::string why) {
      if (auto child = self->lock())
        child->report_end_reason(std::move(why));
    };
    return spawn(ready, fault);
  };
  auto out = make_actor_child(std::move(how));
  *self = out;
  return out;
}

child_spec journal_spec(const shared_parts& parts, const config& values,
                        const std::string& state_dir) {
  link::journal_options store;
  store.file = state_dir + "/journal.db";
  store.limits.max_bytes = values.journal.max_bytes;
  store.limits.max_age = std::chrono::hours{values.journal.max_hours};
  store.safe_against
    = values.journal.durability == "power" ? link::durability::power : link::durability::process;
  store.at_step = fault_at_step();
  auto out = base_spec("journal", "link", values);
  out.port = reporting_child(
    "journal",
    [&rt = parts.rt, place = parts.link->journal, store](auto ready, auto fault) {
      return spawn_journal(rt.system(), {store, place, ready, fault});
    },
    nullptr);
  return out;
}

commands_deps commands_deps_of(const shared_parts& parts, const config& values) {
  auto& link = *parts.link;
  commands_deps out;
  out.links = link.links;
  out.identity = link.identity;
  out.inbox = link.inbox;
  out.journal = link.journal;
  out.activity = parts.activity;
  out.files = link.files;
  out.watches = link.watches;
  out.blocking = link.blocking.get();
  out.mask = link.mask;
  out.queue.running = values.exec.running;
  out.queue.waiting = values.exec.queued;
  out.durability = values.journal.durability;
  shell::shell_tools tools{parts.starter, parts.killer};
  out.shell.start = [tools, executor = parts.rt.io().get_executor(), defaults = link.shell](
                      shell::shell_request what, shell::shell_handlers handlers) {
    return shell::shell_job::start(tools, executor, std::move(what), defaults, std::move(handlers));
  };
  out.shell.decode = [jail = link.files.jail, defaults = link.shell](const command& what) {
    return shell::decode_shell_request(what, *jail, defaults);
  };
  out.shell.on_pool = [pool = link.pool.get()](std::function<void()> work) {
    boost::asio::post(*pool, std::move(work));
  };
  out.shell.activity = parts.activity;
  out.shell.mask = link.mask;
  return out;
}

child_spec commands_spec(const shared_parts& parts, const config& values) {
  auto out = base_spec("commands", "link", values);
  out.depends_on = {"journal"};
  out.ready.timeout = std::chrono::seconds{60}; // settling may have much to look at
  out.ready.extended_timeout = std::chrono::seconds{60};
  out.port = reporting_child(
    "commands",
    [parts, deps = commands_deps_of(parts, values)](auto ready, auto fault) {
      auto own = deps;
      own.on_ready = ready;
      own.on_fault = fault;
      auto actor = spawn_commands(parts.rt.system(), std::move(own));
      parts.link->commands.set(actor);
      return actor;
    },
    [link = parts.link] { link->commands.clear(); });
  return out;
}

link::realtime_options options_of(const config::link_config& one, const sandbox_identity& who) {
  link::realtime_options out;
  out.url = one.url;
  out.key = log::secret{one.key};
  out.session = one.session;
  out.private_channel = one.private_channel;
  out.token_command = one.token_command;
  out.proxy = one.proxy;
  out.presence_key = who.id;
  if (one.max_payload != 0)
    out.limits.max_payload = one.max_payload;
  out.limits.messages_per_second = one.rate;
  return out;
}

child_spec channel_spec(const shared_parts& parts, const config& values, std::size_t number) {
  auto& link = *parts.link;
  realtime_channel_deps deps;
  deps.number = number;
  deps.presence = presence_meta(link.identity);
  deps.commands = link.commands;
  deps.inbox = link.inbox;
  if (link.links[number].own) {
    deps.open = [broker = link.broker, session = link.links[number].session](
                  link::link_events events) -> result<link::link_port_ptr> {
      return broker->join_local(session, std::move(events));
    };
  } else {
    const auto& one = link.remote[number - (link.broker ? 1 : 0)];
    deps.backlog = std::make_shared<link::link_backlog>();
    deps.open = [&rt = parts.rt, how = options_of(one, link.identity)](link::link_events events) {
      return link::start_realtime_client(rt.io(), rt.blocking(), how, std::move(events));
    };
  }
  auto id = number == 0 ? child_id{"channel"} : "channel/" + std::to_string(number);
  auto out = base_spec(id, "link", values);
  out.depends_on = {"commands"};
  if (link.links[number].own)
    out.depends_on.push_back("broker");
  auto self = std::make_shared<std::weak_ptr<actor_child>>();
  actor_child_options how;
  how.id = id;
  how.spawn = [&rt = parts.rt, deps, self] {
    auto own = deps;
    own.on_fault = [self](std::string why) {
      if (auto child = self->lock())
        child->report_end_reason(std::move(why));
    };
    return spawn_realtime_channel(rt.system(), std::move(own));
  };
  auto port = make_actor_child(std::move(how));
  *self = port;
  out.port = port;
  return out;
}

} // namespace

std::vector<child_spec> link_children(const shared_parts& parts, const loaded_config& loaded,
                                      const std::string& state_dir) {
  const auto& values = loaded.values;
  std::vector<child_spec> out;
  if (parts.link->links.empty())
    return out;
  if (parts.link->broker) {
    auto broker = base_spec("broker", "", values);
    broker.port = std::make_shared<broker_child>(parts.link->broker);
    out.push_back(std::move(broker));
  }
  child_spec group;
  group.id = "link";
  group.kind = child_kind::group;
  out.push_back(std::move(group));
  out.push_back(journal_spec(parts, values, state_dir));
  out.push_back(commands_spec(parts, values));
  for (std::size_t i = 0; i < parts.link->links.size(); ++i)
    out.push_back(channel_spec(parts, values, i));
  return out;
}

} // namespace holt
