// SPDX-License-Identifier: Apache-2.0
#include "accessibility/walk.hpp"

#include "accessibility/words.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>

namespace holt::accessibility {

namespace {

constexpr unsigned nodes_in_flight = 32; ///< of one program; each is several calls
constexpr std::size_t children_limit = 20'000;
constexpr std::size_t interfaces_limit = 64;
constexpr std::size_t state_words = 4;
constexpr std::size_t id_name_limit = 255;   ///< bytes; the bus has no longer names
constexpr std::size_t id_path_limit = 1'024; ///< bytes
constexpr std::size_t looks_limit = 10'000;  ///< nodes of a reading, dropped ones too

const node_address registry{"org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"};
const node_address bus_daemon{"org.freedesktop.DBus", "/org/freedesktop/DBus"};
constexpr const char* null_path = "/org/a11y/atspi/null";

std::string lower_ascii(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  return text;
}

bool same(const std::string& a, const std::string& b) {
  return lower_ascii(a) == lower_ascii(b);
}

} // namespace

walk::walk(bus& over, question what, std::function<void(const result<answer>&)> then)
  : bus_{over}, what_{std::move(what)}, then_{std::move(then)} {}

void walk::begin() {
  bus_.after(what_.patience, [self = weak_from_this()] {
    if (auto mine = self.lock(); mine && !mine->done_) {
      mine->out_.timed_out = true;
      mine->finish();
    }
  });
  if (!what_.from)
    return list_programs();
  auto where = parse_node_id(*what_.from, bus_.mark());
  if (!where) {
    done_ = true;
    return then_(where.error());
  }
  if (auto first = add(*where, {}))
    out_.roots.push_back(*first);
  pump();
}

void walk::list_programs() {
  bus_.call(registry, accessible_interface, "GetChildren", what_.patience, nullptr,
            [self = shared_from_this()](const result<sd_bus_message*>& got) {
              if (self->done_)
                return;
              auto programs = got ? read_addresses(*got, children_limit) : std::nullopt;
              if (!programs) {
                self->done_ = true;
                return self->then_(
                  error{errc::busy, "the accessibility registry does not answer"
                                      + (got ? std::string{} : ": " + got.error().detail)});
              }
              for (const auto& one : *programs) {
                if (self->out_.nodes.size() >= looks_limit) {
                  self->out_.truncated = true;
                  break;
                }
                if (auto at = self->add(one, {}))
                  self->out_.roots.push_back(*at);
              }
              self->pump();
            });
}

std::optional<std::size_t> walk::add(const node_address& where, std::optional<std::size_t> parent) {
  // A program may show the same object twice, even below itself.
  if (where.path == null_path || where.bus.empty() || where.bus.size() > id_name_limit
      || where.path.size() > id_path_limit || !seen_.insert(where).second)
    return {};
  node fresh;
  fresh.where = where;
  fresh.id = make_node_id(bus_.mark(), where);
  fresh.parent = parent;
  fresh.depth = parent ? out_.nodes[*parent].depth + 1 : 0;
  out_.nodes.push_back(std::move(fresh));
  const auto at = out_.nodes.size() - 1;
  lanes_[where.bus].waiting.push_back(at);
  return at;
}

void walk::pump() {
  if (done_ || pumping_)
    return;
  pumping_ = true;
  for (auto& [name, one] : lanes_) {
    if (one.hangs) {
      for (auto at : one.waiting)
        out_.nodes[at].timed_out = true;
      one.waiting.clear();
    }
    while (!one.waiting.empty() && one.flying < nodes_in_flight) {
      const auto at = one.waiting.front();
      one.waiting.pop_front();
      ++one.flying;
      visit(at);
    }
  }
  pumping_ = false;
  if (std::none_of(lanes_.begin(), lanes_.end(), [](const auto& one) {
        return one.second.flying > 0 || !one.second.waiting.empty();
      }))
    finish();
}

reply walk::part(const look_ptr& of, std::function<void(node&, sd_bus_message*)> take) {
  ++of->open;
  return
    [self = shared_from_this(), of, take = std::move(take)](const result<sd_bus_message*>& got) {
      if (self->done_)
        return;
      auto& one = self->out_.nodes[of->at];
      if (got) {
        take(one, *got);
      } else if (got.error().code == errc::timeout) {
        of->late = true;
      } else if (got.error().code == errc::busy) {
        self->out_.timed_out = true;
      } else if (got.error().code == errc::not_found || got.error().code == errc::interrupted) {
        of->gone = true;
      }
      --of->open;
    };
}

void walk::visit(std::size_t at) {
  auto of = std::make_shared<look>();
  of->at = at;
  out_.nodes[at].timed_out = true; // until it has landed
  const bool program = out_.nodes[at].depth == 0 && !out_.nodes[at].pid;
  if (program && !what_.from && what_.pid)
    return ask_pid(of, [self = shared_from_this(), of] { self->know_pid(of); });
  const auto where = out_.nodes[at].where;
  ++of->open; // until all are sent: a call may fail at once
  auto next = [self = shared_from_this(), of](reply got) {
    return then_step(std::move(got), self, self->done_, of->open,
                     [self, of] { self->arrived(of); });
  };
  auto property = [&](const char* name, std::string node::*field) {
    bus_.property(where, accessible_interface, name, what_.call_limit,
                  next(part(of, [field](node& one, sd_bus_message* m) {
                    if (auto text = read_text_property(m))
                      one.*field = shortened(std::move(*text), name_limit);
                  })));
  };
  property("Name", &node::name);
  property("Description", &node::description);
  auto call = [&](const char* method, std::function<void(node&, sd_bus_message*)> take) {
    bus_.call(where, accessible_interface, method, what_.call_limit, nullptr,
              next(part(of, std::move(take))));
  };
  call("GetRole", [of](node& one, sd_bus_message* m) {
    of->there = true;
    one.role = read_number(m).value_or(0);
  });
  call("GetState", [](node& one, sd_bus_message* m) {
    one.states = read_numbers(m, state_words).value_or(std::vector<std::uint32_t>{});
  });
  call("GetInterfaces", [of](node&, sd_bus_message* m) {
    of->interfaces = read_texts(m, interfaces_limit).value_or(std::vector<std::string>{});
  });
  call("GetChildren", [of](node&, sd_bus_message* m) {
    of->children = read_addresses(m, children_limit).value_or(std::vector<node_address>{});
  });
  if (program)
    ask_pid(of, [self = shared_from_this(), of] { self->arrived(of); });
  if (--of->open == 0)
    arrived(of);
}

/// The bus tells it, also of a program that hangs.
void walk::ask_pid(const look_ptr& of, std::function<void()> then) {
  const auto name = out_.nodes[of->at].where.bus;
  auto got = part(of, [](node& one, sd_bus_message* m) { one.pid = read_number(m); });
  bus_.call(
    bus_daemon, "org.freedesktop.DBus", "GetConnectionUnixProcessID", what_.call_limit,
    [name](sd_bus_message* m) { return sd_bus_message_append(m, "s", name.c_str()); },
    then_step(std::move(got), shared_from_this(), done_, of->open, std::move(then)));
}

/// Only one program is meant: another one is not asked anything.
void walk::know_pid(const look_ptr& of) {
  if (out_.nodes[of->at].pid == what_.pid)
    return visit(of->at);
  drop(of);
}

void walk::drop(const look_ptr& of) {
  out_.nodes[of->at].dropped = true;
  ++dropped_;
  landed(of);
}

bool walk::wanted(const node& one) const {
  if (one.depth == 0 && !what_.from) {
    if (what_.app && !same(*what_.app, one.name))
      return false;
    return !what_.pid || one.pid == what_.pid;
  }
  if (what_.from && one.depth == 0)
    return true;
  if (one.depth == 1 && what_.title && !what_.from && one.name != *what_.title)
    return false;
  return !what_.only_showing || has_state(one.states, state::showing);
}

bool walk::fits(const node& one) const {
  const auto role = role_name(one.role);
  if (what_.role && !names_role(*what_.role, role))
    return false;
  if (what_.name
      && (what_.whole_name
            ? one.name != *what_.name
            : lower_ascii(one.name).find(lower_ascii(*what_.name)) == std::string::npos))
    return false;
  if (!what_.state)
    return true;
  const auto all = state_names(one.states);
  return std::find(all.begin(), all.end(), *what_.state) != all.end();
}

void walk::arrived(const look_ptr& of) {
  auto& one = out_.nodes[of->at];
  if (of->late)
    return landed(of);
  if (enough_ || of->gone || !of->there || !wanted(one))
    return drop(of);
  // A program's own object has no place and no text.
  one.matches = what_.find && (one.depth > 0 || what_.from) && fits(one);
  if (one.matches && ++matched_ > what_.matches) {
    one.matches = false;
    out_.truncated = enough_ = true;
    for (auto& [name, other] : lanes_)
      other.waiting.clear();
    return landed(of); // what was found before may still be telling of itself
  }
  const bool more = !what_.find || one.matches;
  descend(of);
  if (more)
    ask_more(of);
  else
    landed(of);
}

void walk::descend(const look_ptr& of) {
  const auto depth = out_.nodes[of->at].depth;
  for (const auto& child : of->children) {
    if (depth >= what_.depth || out_.nodes.size() >= looks_limit
        || out_.nodes.size() - dropped_ >= what_.nodes) {
      out_.nodes[of->at].cut = true;
      out_.truncated = out_.truncated || depth < what_.depth;
      break;
    }
    if (auto at = add(child, of->at)) // moves the nodes
      out_.nodes[of->at].children.push_back(*at);
  }
}

void walk::landed(const look_ptr& of) {
  auto& one = out_.nodes[of->at];
  auto& mine = lanes_[one.where.bus];
  one.timed_out = of->late;
  mine.hangs = mine.hangs || of->late;
  --mine.flying;
  pump();
}

void walk::finish() {
  if (done_)
    return;
  done_ = true;
  for (auto& [name, one] : lanes_)
    for (auto at : one.waiting)
      out_.nodes[at].timed_out = true;
  if (enough_)
    for (auto& one : out_.nodes)
      one.timed_out = one.timed_out && one.matches;
  if (what_.from && (out_.nodes.empty() || out_.nodes.front().dropped))
    return then_(error{errc::not_found, "there is no node '" + *what_.from + "' (any more)"});
  out_.timed_out = out_.timed_out
                   || std::any_of(out_.nodes.begin(), out_.nodes.end(),
                                  [](const node& one) { return one.timed_out && !one.dropped; });
  then_(out_);
}

} // namespace holt::accessibility
