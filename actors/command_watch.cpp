// SPDX-License-Identifier: Apache-2.0

// fs.watch and fs.unwatch: a watch outlives its command. Its answer says that everything is
// watched; then come `change` messages, at most ten a second, until it is ended, its folder is
// gone, or the daemon is. While the link is down they wait, bounded.

#include "actors/command_desk.hpp"
#include "actors/file_changes.hpp"
#include "files/fields.hpp"
#include "transport/json_guard.hpp"

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_watches = 32; ///< of all links; the oldest makes room
constexpr std::size_t most_at_once = 500;
constexpr auto between = 100ms;
constexpr auto while_down = 1s;

} // namespace

void command_desk::run_watch(entry& which) {
  auto fail = [&](const error& why) { finished(which.number, command_outcome::failure(why)); };
  if (!deps_.watches)
    return fail({errc::unsupported, "watching is off"});
  files::field_reader from{which.what->body};
  files::watch_options how;
  how.recursive = from.flag("recursive", false);
  how.exclude = from.texts("exclude", {".git"});
  auto where = files::read_path(from, *deps_.files.jail, "path", ".");
  if (!where)
    return fail(where.error());
  auto watch_number = ++last_watch_;
  watches_begun_[which.number] = watch_number;
  auto queue
    = std::make_shared<change_queue>([to = caf::actor_cast<caf::actor_addr>(me()), watch_number] {
        if (auto actor = caf::actor_cast<caf::actor>(to))
          caf::anon_send(actor, watch_due{watch_number});
      });
  watch(spawn_watch_worker(self_->system(), deps_.blocking,
                           {which.number, deps_.watches, context_of(which), where->shown,
                            std::move(how), std::move(queue)},
                           me()),
        which.number);
}

void command_desk::watch_begins(watch_begun& what) {
  auto begun = watches_begun_.find(what.number);
  if (begun == watches_begun_.end())
    return;
  const auto watch_number = begun->second;
  watches_begun_.erase(begun);
  auto* which = find(what.number);
  if (which == nullptr)
    return; // cancelled meanwhile: the handle ends here
  if (!what.got)
    return finished(what.number, command_outcome::failure(what.got.error()));
  if (which->ending != errc::none)
    return finished(what.number, command_outcome::failure({which->ending, "it had begun"}));
  end_watch(which->link, which->what->src, which->what->id);
  if (watches_.size() >= most_watches) { // of an agent that is gone, most likely
    auto oldest = watches_.begin();
    send_changes(oldest->second,
                 {{files::change_kind::gone, oldest->second.handle->shown(), {}, true}});
    watches_.erase(oldest);
  }
  command_outcome out;
  out.fields["watch"] = which->what->id;
  out.fields["path"] = files::printable((*what.got)->shown());
  watch_row row{which->link,          which->what->src,      which->what->id,
                std::move(*what.got), std::move(what.queue), 0};
  watches_.emplace(watch_number, std::move(row));
  finished(what.number, std::move(out));
  changes_due({watch_number}); // what came before the answer
}

void command_desk::run_unwatch(entry& which) {
  auto target = which.what->body.find("target");
  if (target == which.what->body.end() || !target->is_string())
    return finished(which.number, command_outcome::failure(
                                    {errc::unprocessable, "target must be the id of an fs.watch"}));
  const bool ended = end_watch(which.link, which.what->src, target->get<std::string>());
  finished(which.number, ended ? command_outcome{}
                               : command_outcome::failure({errc::not_found, "no such watch"}));
}

bool command_desk::end_watch(std::size_t link, const std::string& src, const std::string& id) {
  return std::erase_if(watches_,
                       [&](const auto& one) {
                         return one.second.link == link && one.second.src == src
                                && one.second.id == id;
                       })
         > 0;
}

/// One message, then a pause: a build that writes ten thousand files is a few messages.
void command_desk::changes_due(const watch_due& what) {
  auto found = watches_.find(what.watch);
  if (found == watches_.end())
    return; // its command is not answered yet, or it has ended
  auto& row = found->second;
  if (!links_[row.link].up) {
    self_->delayed_send(self_, while_down, what);
    return;
  }
  auto changes = row.queue->take(most_at_once);
  if (changes.empty()) {
    if (!row.queue->rest())
      changes_due(what);
    return;
  }
  const bool gone = changes.back().kind == files::change_kind::gone;
  send_changes(row, changes);
  if (gone) {
    watches_.erase(found);
    return;
  }
  self_->delayed_send(self_, between, what);
}

void command_desk::send_changes(watch_row& row, const std::vector<files::file_change>& changes) {
  const auto most = links_[row.link].limits.max_payload / 2;
  auto list = nlohmann::json::array();
  std::size_t size = 0;
  auto send_list = [&] {
    nlohmann::json out{{"type", "change"},
                       {"id", row.id},
                       {"watch", row.id},
                       {"seq", ++row.seq},
                       {"changes", std::exchange(list, nlohmann::json::array())}};
    if (row.src != anonymous_scope)
      out["src"] = row.src;
    say(row.link, links_[row.link].how.result_event,
        std::make_shared<const std::string>(http::dump_safe(out)));
    size = 0;
  };
  for (const auto& one : changes) {
    const auto bytes = 2 * (one.path.size() + one.from.size()) + 100;
    if (size > 0 && size + bytes > most)
      send_list();
    size += bytes;
    list.push_back(change_document(one));
  }
  if (!list.empty())
    send_list();
}

} // namespace holt
