// SPDX-License-Identifier: Apache-2.0

// Commands about other commands: cancel, query, resume, fetch, release. Answered at once, never
// queued.

#include "actors/command_desk.hpp"
#include "actors/result_fit.hpp"
#include "transport/json_guard.hpp"

namespace holt {

namespace {

constexpr std::size_t most_ids = 1'000;
constexpr std::uint64_t most_fetched = 64 * 1024;
constexpr std::size_t most_looked_up = 4ull << 20; ///< bytes of results that one query reads
constexpr std::chrono::milliseconds outbox_wait{500};

link::shared_text share(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

std::optional<std::string> text_field(const nlohmann::json& body, const char* name) {
  auto i = body.find(name);
  if (i == body.end() || !i->is_string())
    return std::nullopt;
  return i->get<std::string>();
}

std::optional<std::uint64_t> number_field(const nlohmann::json& body, const char* name,
                                          std::uint64_t otherwise) {
  auto i = body.find(name);
  if (i == body.end() || i->is_null())
    return otherwise;
  if (!i->is_number_unsigned())
    return std::nullopt;
  return i->get<std::uint64_t>();
}

result<std::vector<std::string>> ids_of(const nlohmann::json& body) {
  std::vector<std::string> out;
  auto ids = body.find("ids");
  if (ids == body.end() || !ids->is_array() || ids->size() > most_ids)
    return error{errc::unprocessable, "ids must be a list of at most 1000 ids"};
  for (const auto& one : *ids) {
    if (!one.is_string())
      return error{errc::unprocessable, "ids must be a list of strings"};
    out.push_back(one.get<std::string>());
  }
  return out;
}

} // namespace

void command_desk::answer_now(std::size_t link, const command& what,
                              const command_outcome& outcome) {
  if (what.id.empty())
    return; // nobody could tell whose answer it is
  say(link, links_[link].how.result_event,
      share(http::dump_safe(result_message(what.id, outcome))));
}

void command_desk::control(std::size_t link, const command& what) {
  switch (what.kind) {
  case command_kind::cancel: return control_cancel(link, what);
  case command_kind::query: return control_query(link, what);
  case command_kind::resume: return control_resume(link, what);
  case command_kind::fetch: return control_fetch(link, what);
  case command_kind::release: return control_release(link, what);
  default: return;
  }
}

/// The target still answers; the answer of the cancel says what it met.
void command_desk::control_cancel(std::size_t link, const command& what) {
  auto target = text_field(what.body, "target");
  if (!target)
    return answer_now(link, what,
                      command_outcome::failure({errc::unprocessable, "target must be an id"}));
  command_outcome outcome;
  const auto* open = links_[link].ledger->find(what.src, *target);
  auto* which = open != nullptr ? find(number_of(link, open->number)) : nullptr;
  outcome.fields["state"] = open != nullptr ? to_string(open->phase) : std::string_view{"unknown"};
  if (which != nullptr) {
    cancel_entry(*which, errc::cancelled);
    pump();
  }
  answer_now(link, what, outcome);
}

void command_desk::control_query(std::size_t link, const command& what) {
  auto ids = ids_of(what.body);
  if (!ids)
    return answer_now(link, what, command_outcome::failure(ids.error()));
  auto& ledger = *links_[link].ledger;
  auto states = nlohmann::json::object();
  std::vector<link::journal_key> unknown;
  for (const auto& one : ledger.query(what.src, *ids)) {
    states[one.id] = link::to_string(one.phase);
    if (one.text)
      say(link, links_[link].how.result_event, one.text);
    if (one.look_up)
      unknown.push_back(ledger.key_of(what.src, one.id));
  }
  auto answer
    = [to = me(), link, id = what.id](nlohmann::json said, std::vector<link::journal_row> rows) {
        caf::anon_send(to, journal_found{link, id, std::move(said), std::move(rows)});
      };
  auto look = [answer, states, unknown](link::journal_store& store) -> std::function<void()> {
    std::vector<link::journal_row> rows;
    auto said = states;
    std::size_t bytes = 0; // above the bound the state is said and the result is not
    for (const auto& key : unknown)
      if (auto row = store.find(key); row && *row) {
        said[key.id] = (*row)->done ? "done" : "running";
        bytes += (*row)->result.size();
        if ((*row)->done && bytes <= most_looked_up)
          rows.push_back(std::move(**row));
      }
    return [answer, said, rows] { answer(said, rows); };
  };
  if (unknown.empty() || !deps_.journal.post(look))
    answer(std::move(states), {});
}

void command_desk::found(const journal_found& what) {
  for (const auto& row : what.rows)
    say(what.link, links_[what.link].how.result_event, share(link::with_dup(row.result)));
  command_outcome outcome;
  outcome.fields["states"] = what.states;
  if (!what.id.empty())
    say(what.link, links_[what.link].how.result_event,
        share(http::dump_safe(result_message(what.id, outcome))));
}

void command_desk::control_resume(std::size_t link, const command& what) {
  auto after = number_field(what.body, "after", 0);
  if (!after)
    return answer_now(link, what,
                      command_outcome::failure({errc::unprocessable, "after must be a number"}));
  auto& slot = links_[link];
  auto limits = link::resume_walk::limits{};
  // Half of what the link carries: others have something to say, too.
  auto rate = static_cast<link::wall_ms>(slot.limits.messages_per_second);
  limits.pause = rate == 0 ? 5 : static_cast<link::wall_ms>(limits.page) * 2'000 / rate;
  auto number = ++slot.last_walk;
  slot.walks.emplace(number, walk_row{{what.src, *after, limits}, what.id});
  resume_next({link, number});
}

void command_desk::resume_next(const resume_due& what) {
  auto& slot = links_[what.link];
  auto i = slot.walks.find(what.walk);
  if (i == slot.walks.end())
    return;
  if (!slot.late.empty()) { // the outbox is full: the walk waits until what it said has gone out
    self_->delayed_send(self_, outbox_wait, what);
    return;
  }
  const auto& walk = i->second.walk;
  auto op = [to = me(), what, session = slot.how.session, src = walk.src(), after = walk.after(),
             page = walk.page()](link::journal_store& store) -> std::function<void()> {
    auto rows = store.unreleased(session, src, after, page);
    return [to, what, rows] {
      caf::anon_send(
        to, journal_page{what.link, what.walk, rows ? *rows : std::vector<link::journal_row>{}});
    };
  };
  if (!deps_.journal.post(std::move(op)))
    slot.walks.erase(i);
}

void command_desk::resume_page(const journal_page& what) {
  auto& slot = links_[what.link];
  auto i = slot.walks.find(what.walk);
  if (i == slot.walks.end())
    return;
  auto& walk = i->second.walk;
  for (const auto& text : walk.rows(what.rows, wall_now()))
    say(what.link, slot.how.result_event, text);
  if (!walk.finished()) {
    auto in = std::max<link::wall_ms>(0, walk.next_at() - wall_now());
    self_->delayed_send(self_, std::chrono::milliseconds{in}, resume_due{what.link, what.walk});
    return;
  }
  command_outcome outcome;
  outcome.fields["count"] = walk.sent();
  outcome.fields["rseq"] = last_rseq_;
  if (!i->second.id.empty())
    say(what.link, slot.how.result_event,
        share(http::dump_safe(result_message(i->second.id, outcome))));
  slot.walks.erase(i);
}

/// A part of the output of a command, while it runs or a while after.
void command_desk::control_fetch(std::size_t link, const command& what) {
  auto fail = [&](errc code, const char* why) {
    answer_now(link, what, command_outcome::failure({code, why}));
  };
  auto target = text_field(what.body, "target");
  auto stream = text_field(what.body, "stream");
  auto off = number_field(what.body, "off", 0);
  auto length = number_field(what.body, "len", most_fetched);
  if (!target || !stream || !off || !length)
    return fail(errc::unprocessable, "fetch needs target, stream, off and len");
  auto len = static_cast<std::size_t>(std::min(*length, most_fetched));
  std::shared_ptr<shell::shell_job> job;
  std::shared_ptr<const std::string> content;
  auto key = links_[link].ledger->key_of(what.src, *target);
  if (const auto* open = links_[link].ledger->find(what.src, *target))
    if (auto* which = find(number_of(link, open->number)))
      job = which->job;
  for (const auto& one : kept_) {
    if (job || content)
      break;
    if (one.key == key) {
      job = one.job;
      content = one.content;
    }
  }
  result<std::string> bytes = error{errc::not_found, "its output is not kept"};
  if (job && (*stream == "stdout" || *stream == "stderr"))
    bytes = job->stored(*stream == "stdout" ? shell::shell_stream::out : shell::shell_stream::err,
                        *off, len);
  else if (content && *stream == "content")
    bytes = *off <= content->size() ? content->substr(static_cast<std::size_t>(*off), len)
                                    : std::string{};
  if (!bytes)
    return answer_now(link, what, command_outcome::failure(bytes.error()));
  if (!bytes->empty()
      && bytes->size() == len) // more may follow: whole characters, so that text stays text
    bytes->resize(std::max<std::size_t>(whole_characters(*bytes), 1));
  command_outcome outcome;
  bool text = goes_as_text(*bytes);
  outcome.fields = {{"target", *target},
                    {"stream", *stream},
                    {"off", *off},
                    {"len", bytes->size()},
                    {"enc", text ? "utf8" : "base64"},
                    {"data", text ? *bytes : to_base64(*bytes)}};
  answer_now(link, what, outcome);
}

void command_desk::control_release(std::size_t link, const command& what) {
  auto ids = ids_of(what.body);
  if (!ids)
    return answer_now(link, what, command_outcome::failure(ids.error()));
  auto& slot = links_[link];
  slot.ledger->release(what.src, *ids);
  (void)deps_.journal.post([session = slot.how.session, src = what.src,
                            ids = *ids](link::journal_store& store) -> std::function<void()> {
    (void)store.release(session, src, ids);
    return {};
  });
  answer_now(link, what, {});
}

} // namespace holt
