// SPDX-License-Identifier: Apache-2.0
#pragma once

// The actor `commands` in virtual time, between a port that writes down what it is told, a real
// journal that answers at once, real files in a folder of the test, and shells that do what the
// test says.

#include "actors/commands.hpp"
#include "link/link_backlog.hpp"
#include "tests/actors/actor_fixture.hpp"
#include "tests/files/files_fixture.hpp"
#include "tests/link/journal_fixture.hpp"

namespace holt::test {

struct fake_port final : link::link_port {
  struct sent {
    std::string event;
    json payload;
  };
  std::vector<sent> out;
  bool takes = true;
  std::size_t largest = 1'000'000; ///< bytes of a payload
  std::size_t room = 1'000'000;    ///< messages until the outbox is full
  bool somebody = true;

  bool send(const std::string& event, std::shared_ptr<const std::string> payload) override {
    if (!takes || room == 0 || payload->size() > largest)
      return false;
    --room;
    out.push_back({event, json::parse(*payload)});
    return true;
  }
  void set_presence(json) override {}
  bool somebody_listens() const override { return somebody; }
  json status() const override { return {{"state", "joined"}}; }
  void close() override {}
};

struct fake_job final : shell::shell_job {
  shell::shell_request what;
  shell::shell_handlers handlers;
  std::string input;
  int last_signal = 0;
  bool ended = false;

  void end(command_outcome outcome) {
    if (!std::exchange(ended, true))
      handlers.on_done(std::move(outcome));
  }
  void cancel(errc why) override {
    command_outcome outcome;
    outcome.code = why;
    outcome.fields["stdout"] = "so far";
    end(std::move(outcome));
  }
  bool write_stdin(std::string bytes) override {
    input += bytes;
    return true;
  }
  void close_stdin() override { input += "<eof>"; }
  void signal(int number) override { last_signal = number; }
  void resize(unsigned, unsigned) override {}
  pid_t pid() const override { return 4711; }
  result<std::string> stored(shell::shell_stream, std::uint64_t off,
                             std::size_t len) const override {
    return std::string{"0123456789"}.substr(off, len);
  }
};

/// Does at once what the journal's thread would do.
struct inline_desk final : journal_desk {
  link::journal_store* store = nullptr;
  int answers = 1'000'000; ///< after so many it does its work and says nothing: as at a crash
  void post(journal_op what) override {
    if (auto then = what(*store); then && answers-- > 0)
      then();
  }
};

/// A copy: the check macros keep references.
inline json said(const json& answer, const char* field) {
  return answer.value(field, json{});
}

struct commands_fixture : actor_fixture {
  link::test::journal_dir journal;
  temp_dir files;
  std::unique_ptr<link::journal_store> store;
  std::shared_ptr<inline_desk> desk = std::make_shared<inline_desk>();
  std::shared_ptr<fake_port> port = std::make_shared<fake_port>();
  std::vector<std::shared_ptr<fake_job>> jobs;
  std::shared_ptr<link::link_backlog> source; ///< wants back what was not dealt with
  commands_deps deps;
  caf::actor actor;
  bool ready = false;
  std::string fault;

  commands_fixture() {
    open_store();
    deps.links = {command_link{}};
    deps.links[0].own = true;
    deps.identity = {"sbx_1", 1000, 2000};
    deps.journal.set(desk);
    auto jail = files::path_jail::open({{files.path.string()}, true, false});
    deps.files.jail = *jail;
    deps.mask = std::make_shared<const secret_mask>(std::vector<std::string>{"hunter2"});
    deps.shell.mask = deps.mask;
    deps.shell.start = [this](shell::shell_request what, shell::shell_handlers handlers) {
      auto job = std::make_shared<fake_job>();
      job->what = std::move(what);
      job->handlers = std::move(handlers);
      jobs.push_back(job);
      job->handlers.on_started(job->pid());
      return std::static_pointer_cast<shell::shell_job>(job);
    };
    deps.shell.decode = [jail = *jail](const command& what) {
      return shell::decode_shell_request(what, *jail, {});
    };
    deps.shell.on_pool = [](const std::function<void()>& work) { work(); };
    feed.set(keep(spawn_activity(sys)));
    deps.activity = feed;
    deps.shell.activity = feed;
    deps.on_ready = [this] { ready = true; };
    deps.on_fault = [this](std::string why) { fault = std::move(why); };
  }
  ~commands_fixture() { end(); }

  void open_store() {
    store.reset();
    store = link::test::open_or_fail(journal.options());
    desk->store = store.get();
  }
  void start() {
    actor = keep(spawn_commands(sys, deps));
    drain();
  }
  void join() {
    caf::anon_send(actor, link_opened{0, port});
    caf::anon_send(actor, link_up{0, {256'000, 0}});
    drain();
  }
  void begin() {
    start();
    join();
    port->out.clear();
  }
  /// As after kill -9: nothing is said to anybody.
  void crash() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    drain();
    ours.pop_back();
    jobs.clear();
    port = std::make_shared<fake_port>();
    ready = false;
    desk->answers = 1'000'000;
    open_store();
  }
  void say(const std::string& text) {
    tell(text);
    drain();
  }
  /// The same, and nobody looks at it yet.
  void tell(const std::string& text) {
    link::link_message what;
    what.event = "cmd";
    what.payload = text;
    if (source)
      source->adopt(what);
    caf::anon_send(actor, link_heard{0, std::make_shared<link::held_message>(std::move(what)),
                                     weigh(deps.inbox, text.size())});
  }
  void say(const json& what) { say(what.dump()); }
  /// Everything that was said to agents since the last call.
  std::vector<json> heard() {
    std::vector<json> out;
    for (auto& one : port->out)
      out.push_back(std::move(one.payload));
    port->out.clear();
    return out;
  }
  /// The one result since the last call.
  json answer() {
    auto all = heard();
    if (all.size() != 1)
      CAF_FAIL("one answer was expected: " << json(all).dump());
    return all.front();
  }
  json ask(const json& what) {
    say(what);
    return answer();
  }
  std::vector<json> events() {
    std::vector<json> out;
    feed.send(activity_query{0, 1000, [&](const activity_page& page) {
                               for (const auto& one : page.events)
                                 out.push_back(json::parse(*one.text)["data"]);
                             }});
    drain();
    return out;
  }

  actor_ref<activity_actor> feed;
};

} // namespace holt::test
