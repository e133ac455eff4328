// SPDX-License-Identifier: Apache-2.0

// The answer of a command goes out: cut to what the link can carry, journaled, sent, shown.

#include "actors/command_desk.hpp"
#include "actors/result_fit.hpp"
#include "transport/digest.hpp"
#include "transport/json_guard.hpp"
#include "transport/log.hpp"

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kept_outputs = 64;
constexpr std::size_t kept_content = 64ull << 20; ///< bytes of large contents, for fetch
constexpr std::size_t piece = 64 * 1024;          ///< bytes; twice that as JSON, at most
constexpr auto parts_interval = 20ms;
constexpr auto unsent_interval = 500ms;
constexpr std::size_t most_late = 4'000; ///< messages of a link that wait for its outbox
constexpr std::size_t most_late_bytes = 8ull << 20;
constexpr auto stalled_after = 60s;    ///< a large answer of which the port takes nothing
constexpr unsigned pieces_at_once = 8; ///< of all answers: 25 MiB a second
constexpr std::uint64_t kept_rows_bytes = 1024;

link::shared_text share(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

} // namespace

bool command_desk::send(std::size_t link, const std::string& event, link::shared_text text) {
  auto& slot = links_[link];
  if (!slot.port || !slot.up || !slot.port->send(event, std::move(text))) {
    ++slot.unsent;
    return false;
  }
  ++slot.sent;
  return true;
}

bool command_desk::send_result(std::size_t link, link::shared_text text) {
  return send(link, links_[link].how.result_event, std::move(text));
}

/// What is in no book and must not get lost in a full outbox.
void command_desk::say(std::size_t link, const std::string& event, link::shared_text text) {
  auto& slot = links_[link];
  if (slot.late.empty() && send(link, event, text))
    return;
  if (!slot.up || slot.late.size() >= most_late || slot.late_bytes + text->size() > most_late_bytes
      || never_goes_out(link, text))
    return;
  slot.late_bytes += text->size();
  slot.late.push_back({event, std::move(text)});
  try_again_soon();
}

void command_desk::send_late(std::size_t link) {
  auto& slot = links_[link];
  while (!slot.late.empty() && send(link, slot.late.front().event, slot.late.front().text)) {
    slot.late_bytes -= slot.late.front().text->size();
    slot.late.pop_front();
  }
}

/// Larger than the link allows: waiting does not help.
bool command_desk::never_goes_out(std::size_t link, const link::shared_text& text) const {
  return !fits_link(*text, links_[link].limits.max_payload);
}

void command_desk::try_again_soon() {
  if (!std::exchange(unsent_timer_, true))
    self_->delayed_send(self_, unsent_interval, unsent_due{});
}

void command_desk::send_ack(std::size_t link, std::string_view id, std::string_view state,
                            bool dup) {
  nlohmann::json out{{"type", "ack"}, {"id", id}, {"state", state}};
  if (dup)
    out["dup"] = true;
  (void)send_result(link, share(http::dump_safe(out)));
}

/// Makes the answer such that the link can carry it, and stores or sends it.
void command_desk::fit(entry& which, command_outcome& outcome) {
  const auto most = links_[which.link].limits.max_payload;
  const auto& what = *which.what;
  auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - which.came);
  if (!outcome.fields.contains("duration_ms") && what.kind == command_kind::shell_exec)
    outcome.fields["duration_ms"] = duration.count();
  if (auto big = too_large_for(what.id, outcome, most)) {
    if (is_output_of_shell(what.kind)) {
      cut_output(what.id, outcome, most);
    } else if (what.stream && !which.effect) {
      return begin_parts(which, std::move(big->name), std::move(big->bytes), std::move(outcome));
    } else if (what.kind != command_kind::batch || !which.effect
               || !cut_batch(what.id, outcome, most)) {
      outcome = command_outcome::failure(
        {errc::payload_too_large, std::to_string(big->size) + " bytes; one message holds "
                                    + std::to_string(most)
                                    + ": ask with stream, or for a part of it"});
    }
  }
  if (!which.effect)
    return complete(which, share(http::dump_safe(result_message(what.id, outcome))));
  which.at = stage::storing;
  auto message = std::make_shared<nlohmann::json>(result_message(what.id, outcome));
  which.outcome = std::move(outcome);
  auto op = [to = me(), number = which.number, message,
             key = links_[which.link].ledger->key_of(what.src, what.id),
             now = wall_now()](link::journal_store& store) -> std::function<void()> {
    link::shared_text text;
    auto got = store.done(
      key,
      [&](std::uint64_t rseq) {
        (*message)["rseq"] = rseq;
        text = share(http::dump_safe(*message));
        return *text;
      },
      now);
    if (!got) {
      message->erase("rseq");
      text = share(http::dump_safe(*message));
    }
    return [to, number, got, text] { caf::anon_send(to, journal_stored{number, got, text}); };
  };
  auto number = which.number;
  if (!deps_.journal.post(std::move(op)))
    stored(
      {number, error{errc::busy, "the journal is not ready"}, share(http::dump_safe(*message))});
}

void command_desk::stored(const journal_stored& what) {
  if (!ready_)
    return settled_stored(what);
  auto* which = find(what.number);
  if (which == nullptr)
    return;
  // The effect has happened: its answer is true, also where it could not be written down. It is
  // remembered in memory then.
  if (!what.got)
    log::error("commands", "not_journaled",
               {{"command", what.number}, {"detail", what.got.error().detail}});
  else
    last_rseq_ = *what.got;
  complete(*which, what.text);
}

void command_desk::complete(entry& which, const link::shared_text& text) {
  auto& slot = links_[which.link];
  auto number = which.number;
  auto link = which.link;
  slot.ledger->finished(in_ledger(number), text, wall_now());
  note_listeners(slot);
  if (!send_result(link, text)) {
    slot.ledger->not_sent(slot.ledger->key_of(which.what->src, which.what->id), wall_now());
    owe(which);
    if (slot.up) // else the next join sends it
      try_again_soon();
  }
  show_done(which, which.outcome);
  forget(number);
}

/// Its answer is in no journal: if this life ends before it went out, the command comes again.
void command_desk::owe(entry& which) {
  if (which.letter && !which.recorded)
    links_[which.link].owed.push_back(std::exchange(which.letter, nullptr));
}

/// Every answer went out: their commands need not come again.
void command_desk::nothing_owed(link_slot& slot) {
  if (slot.ledger->has_unsent())
    return;
  for (const auto& one : std::exchange(slot.owed, {}))
    one->settle();
}

void command_desk::send_unsent() {
  unsent_timer_ = false;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto& slot = links_[i];
    if (!slot.ledger || !slot.up)
      continue;
    send_late(i);
    slot.ledger->send_unsent(
      [&](const link::shared_text& text) {
        return send_result(i, text) || never_goes_out(i, text);
      },
      wall_now());
    nothing_owed(slot);
    if (!slot.late.empty() || slot.ledger->has_unsent())
      try_again_soon();
  }
}

void command_desk::forget(std::uint64_t number) {
  if (auto* which = find(number); which != nullptr && which->lives_on)
    --shells_;
  else
    queue_.done(number);
  erase(number);
  if (closing_ && entries_.empty() && goodbye_)
    std::exchange(goodbye_, nullptr)();
  pump();
}

// -- large answers

void command_desk::begin_parts(entry& which, std::string stream, std::string bytes,
                               command_outcome outcome) {
  auto large = std::make_unique<parts>();
  large->stream = std::move(stream);
  large->bytes = share(std::move(bytes));
  outcome.fields.erase(large->stream);
  outcome.large.clear();
  if (large->stream == "fields")
    outcome.fields = nlohmann::json::object();
  outcome.fields["bytes"] = large->bytes->size();
  outcome.fields["sha256"] = sha256_hex(*large->bytes);
  large->most
    = std::min(piece, std::max<std::size_t>(links_[which.link].limits.max_payload / 3, 1));
  large->moved = clock::now();
  outcome.fields["parts"] = count_pieces(*large->bytes, large->most);
  if (large->stream == "fields")
    outcome.fields["parts_of"] = "fields";
  large->result = share(http::dump_safe(result_message(which.what->id, outcome)));
  large->outcome = std::move(outcome);
  keep_output(which, large->bytes);
  which.large = std::move(large);
  which.at = stage::sending;
  sending_.push_back(which.number);
  if (!parts_timer_) // else they come too fast, and a timer would follow each
    send_parts();
}

/// No more pieces: what `large` has for an answer.
void command_desk::end_parts(entry& which) {
  auto text = which.large->result;
  which.outcome = std::move(which.large->outcome);
  complete(which, text);
}

/// A few pieces of each large answer in turn; an outbox that is full is tried again later.
void command_desk::send_parts() {
  parts_timer_ = false;
  for (unsigned sent = 0; sent < pieces_at_once && !sending_.empty();) {
    auto number = sending_.front();
    sending_.pop_front();
    auto* which = find(number);
    if (which == nullptr)
      continue;
    auto& slot = links_[which->link];
    auto& large = *which->large;
    // Without a link: whoever still wants it asks again; reads are not kept.
    if (!slot.up || large.off >= large.bytes->size()) {
      end_parts(*which);
      continue;
    }
    auto bytes = next_piece(*large.bytes, large.off, large.most);
    auto text
      = share(chunk_message(which->what->id, large.seq,
                            large.stream == "fields" ? "content" : large.stream, large.off, bytes));
    if (!send_result(which->link, text)) {
      if (never_goes_out(which->link, text) || clock::now() - large.moved > stalled_after) {
        large.outcome = command_outcome::failure(
          {errc::payload_too_large, "the link takes none of its pieces"});
        large.result = share(http::dump_safe(result_message(which->what->id, large.outcome)));
        end_parts(*which);
        continue;
      }
      sending_.push_back(number);
      break;
    }
    sending_.push_back(number);
    large.moved = clock::now();
    ++large.seq;
    large.off += bytes.size();
    ++sent;
  }
  if (sending_.empty() || parts_timer_)
    return;
  parts_timer_ = true;
  auto rate = 0u;
  for (auto number : sending_)
    if (auto* which = find(number))
      rate = std::max(rate, links_[which->link].limits.messages_per_second);
  // A limited link has other things to say, too.
  auto wait = rate == 0 ? parts_interval
                        : std::max<std::chrono::milliseconds>(parts_interval,
                                                              1'000ms * pieces_at_once * 2 / rate);
  self_->delayed_send(self_, wait, parts_due{});
}

void command_desk::keep_output(const entry& which, std::shared_ptr<const std::string> content) {
  if (!which.job && !content)
    return;
  auto& slot = links_[which.link];
  kept_bytes_ += content ? content->size() : kept_rows_bytes;
  kept_.push_front(
    {slot.ledger->key_of(which.what->src, which.what->id), which.job, std::move(content)});
  while (kept_.size() > kept_outputs || kept_bytes_ > kept_content) {
    const auto& oldest = kept_.back();
    kept_bytes_ -= oldest.content ? oldest.content->size() : kept_rows_bytes;
    kept_.pop_back();
  }
}

} // namespace holt
