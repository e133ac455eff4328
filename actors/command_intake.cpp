// SPDX-License-Identifier: Apache-2.0

// A message comes: what it is, whether it is for us, whether it is new.

#include "actors/command_desk.hpp"
#include "actors/command_salvage.hpp"
#include "transport/digest.hpp"
#include "transport/json_guard.hpp"

namespace holt {

namespace {

/// A command is bounded by the link's own limit; this bounds what is made of it.
constexpr http::json_limits payload_limits{64, 200'000};

template <class... Cases>
struct overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
overloaded(Cases...) -> overloaded<Cases...>;

/// Commands of one agent without an answer: more than may run and wait, fewer than the book holds.
constexpr std::size_t most_open = 400;

/// What daemons say: another one in the same session is no agent.
bool of_a_daemon(const nlohmann::json& payload) {
  auto type = payload.find("type");
  if (type == payload.end() || !type->is_string())
    return false;
  const auto& word = type->get_ref<const std::string&>();
  return word == "result" || word == "ack" || word == "chunk" || word == "hello" || word == "event";
}

} // namespace

void command_desk::heard(link_heard& what) {
  auto& slot = links_[what.number];
  if (!slot.ledger)
    return;
  if (!slot.port) { // a mailbox may be faster than the word that the channel is open
    slot.early.push_back(std::move(what));
    return;
  }
  auto payload = http::parse_json(what.letter->what().payload, payload_limits);
  bool to_nobody
    = !payload || (payload->is_object() && payload->value("to", nlohmann::json{}).is_null());
  if (to_nobody && !slot.how.own && !slot.waited && !slot.ledger->presence_known()) {
    slot.early.push_back(std::move(what)); // another daemon may own the session
    return;
  }
  in_hand_ = std::move(what.letter);
  what.weight.reset();
  ++slot.heard;
  judge(what.number, payload);
  if (in_hand_)
    std::exchange(in_hand_, nullptr)->settle();
}

/// A message that is looked at for the first and only time.
void command_desk::judge(std::size_t link, const result<nlohmann::json>& payload) {
  auto& slot = links_[link];
  if (!payload) {
    // The other agents must not suffer: no answer to what is no command at all.
    auto id = salvage_command_id(in_hand_->what().payload);
    if (id.empty() || !slot.ledger->owns_session()) {
      ++slot.dropped;
      return;
    }
    return refuse(link, id, {errc::invalid_request, payload.error().detail});
  }
  if (!payload->is_object()) {
    ++slot.dropped;
    return;
  }
  if (of_a_daemon(*payload))
    return;
  auto to = payload->find("to");
  bool named = to != payload->end() && to->is_string()
               && to->get_ref<const std::string&>() == deps_.identity.id;
  auto decoded = decode_command(*payload);
  if (!decoded) {
    auto id = command_id(*payload);
    bool others = to != payload->end() && !to->is_null() && !named;
    if (id.empty() || others || (!slot.ledger->owns_session() && !named)) {
      ++slot.dropped;
      return;
    }
    return refuse(link, id, decoded.error());
  }
  auto signature = slot.auth->check(*payload, wall_now());
  if (!signature) {
    if (slot.ledger->owns_session() || named)
      refuse(link, decoded->id, signature.error());
    return;
  }
  auto fingerprint = sha256_hex(canonical_command(*payload));
  decide(link, std::make_shared<const command>(std::move(*decoded)), std::move(fingerprint),
         *signature == link::signature::seen);
}

void command_desk::decide(std::size_t link, std::shared_ptr<const command> what,
                          std::string fingerprint, bool same_signature) {
  auto& slot = links_[link];
  note_listeners(slot);
  auto decision = slot.ledger->arrived(*what, fingerprint, wall_now(), same_signature);
  if (closing_ && std::holds_alternative<link::execute_it>(decision)) {
    auto number = std::get<link::execute_it>(decision).number;
    if (number != 0)
      slot.ledger->forget(number);
    return refuse(link, what->id, {errc::shutting_down, "the daemon stops"});
  }
  follow(link, what, fingerprint, decision);
}

void command_desk::follow(std::size_t link, const std::shared_ptr<const command>& what,
                          const std::string& fingerprint, const link::decision& decision) {
  auto& slot = links_[link];
  std::visit(overloaded{
               [&](const link::ignore_it&) { ++slot.dropped; },
               [&](const link::look_up& x) {
                 auto& which = admit(link, number_of(link, x.number), what, fingerprint);
                 // One agent must not fill the book for all.
                 if (slot.open[what->src] > most_open)
                   refuse_open(which, {errc::busy, "too much of this agent is waiting"});
                 else
                   look_up(which, x.key);
               },
               [&](const link::execute_it& x) {
                 if (x.number == 0)
                   return control(link, *what);
                 auto number = number_of(link, x.number);
                 auto* known = find(number);
                 auto& which = known != nullptr ? *known : admit(link, number, what, fingerprint);
                 if (which.effect && !which.recorded)
                   record(which);
                 else
                   enqueue(which);
               },
               [&](const link::acknowledge& x) {
                 if (x.send)
                   send_ack(link, what->id, link::to_string(x.phase), true);
               },
               [&](const link::send_again& x) {
                 if (what->ack)
                   send_ack(link, what->id, "done", true);
                 say(link, slot.how.result_event, x.text);
               },
               [&](const link::refuse_it& x) { refuse(link, what->id, x.why); },
             },
             decision);
}

command_desk::entry& command_desk::admit(std::size_t link, std::uint64_t number,
                                         std::shared_ptr<const command> what,
                                         std::string fingerprint) {
  ++links_[link].open[what->src];
  auto& which = entries_[number];
  which.number = number;
  which.link = link;
  which.effect = has_effect(*what);
  which.summary = summary_of(*what);
  which.what = std::move(what);
  which.fingerprint = std::move(fingerprint);
  which.came = clock::now();
  which.came_wall = wall_now();
  which.cancelled = std::make_shared<std::atomic<bool>>(false);
  which.letter = std::exchange(in_hand_, nullptr);
  return which;
}

/// One visit to the journal: whether it knows the command, and if not, RECEIVED. What will be
/// refused is not written: a row without an answer is run at the next start.
void command_desk::look_up(entry& which, const link::journal_key& key) {
  const auto* open = links_[which.link].ledger->find(in_ledger(which.number));
  bool replayed = open != nullptr && open->replayed_signature;
  auto op
    = [to = me(), number = which.number, key, what = which.what, fingerprint = which.fingerprint,
       may_run = which.effect && !replayed, history = links_[which.link].ledger->history()](
        link::journal_store& store) -> std::function<void()> {
    const auto now = wall_now();
    auto row = store.find(key, true);
    bool recorded = false;
    if (row && may_run && !(what->deadline_ms && *what->deadline_ms < now)
        && (!*row
            || link::judge(*what, fingerprint, **row, history, now) == link::repeat::is_new)) {
      auto got = store.received(key, fingerprint, what->body.dump(), "", now);
      if (!got)
        row = got.error();
      recorded = got.has_value();
    }
    return [to, number, row = std::move(row), recorded] {
      caf::anon_send(to, journal_looked_up{number, row, recorded});
    };
  };
  if (!deps_.journal.post(std::move(op)))
    refuse_open(which, {errc::busy, "the journal is not ready"});
}

void command_desk::looked_up(journal_looked_up& what) {
  auto* which = find(what.number);
  if (which == nullptr)
    return;
  auto& slot = links_[which->link];
  if (!what.row)
    return refuse_open(*which, what.row.error());
  which->recorded = what.recorded;
  if (what.recorded)
    settle(*which);
  auto decision = what.recorded
                    ? slot.ledger->received(in_ledger(what.number))
                    : slot.ledger->looked_up(in_ledger(what.number), *what.row, wall_now());
  auto link = which->link;
  auto command = which->what;
  auto fingerprint = which->fingerprint;
  bool goes_on = std::holds_alternative<link::execute_it>(decision);
  if (!goes_on)
    erase(what.number);
  follow(link, command, fingerprint, decision);
}

void command_desk::erase(std::uint64_t number) {
  auto* which = find(number);
  if (which == nullptr)
    return;
  settle(*which);
  auto& open = links_[which->link].open;
  auto i = open.find(which->what->src);
  if (i != open.end() && --i->second == 0)
    open.erase(i);
  entries_.erase(number);
}

void command_desk::record(entry& which) {
  const auto& slot = links_[which.link];
  auto op
    = [to = me(), number = which.number, key = slot.ledger->key_of(which.what->src, which.what->id),
       what = which.what, fingerprint = which.fingerprint,
       now = wall_now()](link::journal_store& store) -> std::function<void()> {
    auto got = store.received(key, fingerprint, what->body.dump(), "", now);
    return [to, number, got] { caf::anon_send(to, journal_recorded{number, got, false}); };
  };
  if (!deps_.journal.post(std::move(op)))
    refuse_open(which, {errc::busy, "the journal is not ready"});
}

void command_desk::recorded(const journal_recorded& what) {
  if (!ready_)
    return settle_recorded(what);
  auto* which = find(what.number);
  if (which == nullptr)
    return;
  if (!what.got)
    return what.planned ? finished(what.number, command_outcome::failure(what.got.error()))
                        : refuse_open(*which, what.got.error());
  if (what.planned)
    return go(*which);
  which->recorded = true;
  settle(*which);
  enqueue(*which);
}

/// The journal has it, or its answer stands: it need not come again.
void command_desk::settle(entry& which) {
  if (auto letter = std::exchange(which.letter, nullptr))
    letter->settle();
}

void command_desk::enqueue(entry& which) {
  const auto& what = *which.what;
  auto src = std::to_string(which.link) + "/" + what.src;
  if (which.ending != errc::none)
    return finished(which.number, command_outcome::failure({which.ending, ""}));
  if (closing_)
    return finished(which.number,
                    command_outcome::failure({errc::shutting_down, "the daemon stops"}));
  auto place = queue_.push(which.number, std::move(src), link::pace_of(what), what.deadline_ms);
  if (!place) {
    if (which.recorded)
      return finished(which.number, command_outcome::failure(place.error()));
    return refuse_open(which, place.error());
  }
  which.at = stage::waiting;
  auto number = which.number;
  auto link = which.link;
  auto command = which.what;
  pump();
  if (command->ack) {
    auto* now = find(number);
    bool waits = now != nullptr && now->at == stage::waiting;
    if (now != nullptr)
      send_ack(link, command->id, waits ? "queued" : "running", false);
  }
  if (auto* now = find(number); now != nullptr && now->at == stage::waiting) {
    show_queued(*now);
    arm_deadline();
  }
}

/// An answer to what is in no book.
void command_desk::refuse(std::size_t link, std::string_view id, const error& why) {
  ++done_failed_;
  say(link, links_[link].how.result_event,
      std::make_shared<const std::string>(
        http::dump_safe(result_message(id, command_outcome::failure(why)))));
}

/// A final answer to a command in the book that was not journaled.
void command_desk::refuse_open(entry& which, const error& why) {
  ++done_failed_;
  auto number = which.number;
  auto link = which.link;
  auto& slot = links_[link];
  auto outcome = command_outcome::failure(why);
  auto text
    = std::make_shared<const std::string>(http::dump_safe(result_message(which.what->id, outcome)));
  slot.ledger->refused(in_ledger(number), text, wall_now());
  if (which.shown)
    show_done(which, outcome);
  auto key = slot.ledger->key_of(which.what->src, which.what->id);
  if (!slot.up)
    owe(which);
  erase(number);
  if (!send_result(link, text)) {
    slot.ledger->not_sent(key, wall_now());
    try_again_soon();
  }
}

} // namespace holt
