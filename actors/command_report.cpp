// SPDX-License-Identifier: Apache-2.0

// Commands as people see them: the feed, the lists, the end.

#include "actors/command_desk.hpp"

#include <cmath>
#include <csignal>

namespace holt {

namespace {

constexpr std::size_t summary_bytes = 300;

std::string shorten(std::string text) {
  if (text.size() <= summary_bytes)
    return text;
  text.resize(summary_bytes);
  text.resize(whole_characters(text));
  return text + "…";
}

std::string text_of(const command& what) {
  auto text = [&](const char* name) -> std::string {
    auto i = what.body.find(name);
    return i != what.body.end() && i->is_string() ? i->get<std::string>() : std::string{};
  };
  switch (what.kind) {
  case command_kind::shell_exec:
  case command_kind::shell_start: return text("cmd");
  case command_kind::shell_input:
  case command_kind::shell_signal:
  case command_kind::shell_resize: return text("target");
  case command_kind::fs_move: return text("from") + " → " + text("to_path");
  case command_kind::fs_glob:
  case command_kind::fs_grep: return text("pattern") + " " + text("path");
  case command_kind::fs_put: return text("upload");
  case command_kind::batch: {
    auto items = what.body.find("items");
    auto count = items != what.body.end() && items->is_array() ? items->size() : 0;
    return std::to_string(count) + " commands";
  }
  default: return text("path");
  }
}

const char* word_of(bool waits) {
  return waits ? "queued" : "running";
}

} // namespace

/// Masked before it is cut: the head of a secret is no secret to the mask.
std::string command_desk::summary_of(const command& what) const {
  return shorten(deps_.mask->apply(text_of(what)));
}

void command_desk::show_queued(entry& which) {
  if (std::exchange(which.shown, true))
    return;
  deps_.activity.send(activity_append{"command", queued_event(which)});
}

nlohmann::json command_desk::queued_event(const entry& which) const {
  const auto& what = *which.what;
  return {
    {"command", which.number}, {"phase", "queued"}, {"type", to_string(what.kind)},
    {"id", what.id},           {"src", what.src},   {"session", links_[which.link].how.session},
    {"summary", which.summary}};
}

void command_desk::show_running(entry& which) {
  nlohmann::json running{{"command", which.number}, {"phase", "running"}};
  if (std::exchange(which.shown, true)) {
    deps_.activity.send(activity_append{"command", std::move(running)});
    return;
  }
  deps_.activity.send(activity_append_all{"command", {queued_event(which), std::move(running)}});
}

/// What ended before anybody was told of it is told at once.
void command_desk::show_done(entry& which, const command_outcome& outcome) {
  auto took = std::chrono::duration<double, std::milli>(clock::now() - which.came).count();
  nlohmann::json done{{"command", which.number},
                      {"phase", "done"},
                      {"ok", outcome.ok()},
                      {"duration_ms", std::round(took * 1000) / 1000}};
  if (!outcome.ok())
    done["error"] = info(outcome.code).wire;
  if (!outcome.ok() && !outcome.detail.empty())
    done["detail"] = shorten(deps_.mask->apply(outcome.detail));
  for (const auto* field : {"exit_code", "signal", "truncated"})
    if (auto i = outcome.fields.find(field); i != outcome.fields.end())
      done[field] = *i;
  ++(outcome.ok() ? done_ok_ : done_failed_);
  if (std::exchange(which.shown, true)) {
    deps_.activity.send(activity_append{"command", std::move(done)});
    return;
  }
  deps_.activity.send(activity_append_all{
    "command",
    {queued_event(which), {{"command", which.number}, {"phase", "running"}}, std::move(done)}});
}

nlohmann::json command_desk::commands_document() const {
  auto open = nlohmann::json::array();
  for (const auto& [number, which] : entries_) {
    auto one = queued_event(which);
    one.erase("phase");
    auto age = clock::now() - which.came;
    one["ageMs"] = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
    one["state"] = word_of(which.at == stage::looking || which.at == stage::waiting);
    if (which.job)
      one["pid"] = which.job->pid();
    open.push_back(std::move(one));
  }
  auto left = nlohmann::json::array();
  for (const auto& one : survivors_) {
    auto pids = nlohmann::json::array();
    for (auto pid : one.pids)
      if (kill(pid, 0) == 0)
        pids.push_back(pid);
    if (!pids.empty())
      left.push_back({{"command", one.number},
                      {"id", one.id},
                      {"session", one.session},
                      {"summary", shorten(one.summary)},
                      {"pids", pids}});
  }
  return {{"commands", open},
          {"shells", shells_},
          {"left", left},
          {"running", queue_.running()},
          {"queued", queue_.waiting()},
          {"ok", done_ok_},
          {"failed", done_failed_}};
}

nlohmann::json command_desk::links_document() const {
  auto all = nlohmann::json::array();
  for (const auto& slot : links_) {
    nlohmann::json one{{"session", slot.how.session},
                       {"own", slot.how.own},
                       {"up", slot.up},
                       {"port", slot.port ? slot.port->status() : nlohmann::json{}},
                       {"owns", slot.ledger && slot.ledger->owns_session()},
                       {"signed", slot.auth->required()},
                       {"joins", slot.joins},
                       {"heard", slot.heard},
                       {"sent", slot.sent},
                       {"unsent", slot.unsent},
                       {"dropped", slot.dropped}};
    if (slot.ledger && slot.ledger->other_owner())
      one["owner"] = *slot.ledger->other_owner();
    if (!slot.last_error.empty())
      one["lastError"] = slot.last_error;
    all.push_back(std::move(one));
  }
  return {
    {"links", all},
    {"sandbox", deps_.identity.id},
    {"boot", deps_.identity.boot},
    {"since", deps_.identity.since},
    {"queue", {{"running", queue_.running()}, {"queued", queue_.waiting()}}},
    {"inbox", {{"bytes", deps_.inbox->bytes.load()}, {"dropped", deps_.inbox->dropped.load()}}},
    {"commands", {{"ok", done_ok_}, {"failed", done_failed_}}},
    {"journal",
     {{"durability", deps_.durability},
      {"rseq", last_rseq_},
      {"waiting", deps_.journal.waiting()}}}};
}

result<void> command_desk::cancel_by_person(std::uint64_t number) {
  if (auto* which = find(number)) {
    cancel_entry(*which, errc::cancelled);
    pump();
    return {};
  }
  return error{errc::not_found, "no such command waits or runs"};
}

void command_desk::goodbye(std::function<void()> done) {
  closing_ = true;
  goodbye_ = std::move(done);
  for (auto number : queue_.drain())
    finished(number, command_outcome::failure({errc::shutting_down, "the daemon stops"}));
  std::vector<std::uint64_t> open;
  for (const auto& [number, which] : entries_)
    open.push_back(number);
  for (auto number : open)
    if (auto* which = find(number))
      cancel_entry(*which, errc::shutting_down);
  if (entries_.empty() && goodbye_)
    std::exchange(goodbye_, nullptr)();
}

} // namespace holt
