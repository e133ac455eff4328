// SPDX-License-Identifier: Apache-2.0
#include "files/file_commands.hpp"

#include "files/commands.hpp"
#include "files/content.hpp"

#include <new>

namespace holt::files {

namespace {

struct change_row {
  command_kind kind;
  result<file_plan> (*plan)(const file_context&, const command&);
  outcome (*run)(const file_context&, const command&, const file_plan&);
  outcome (*settle)(const file_context&, const command&, const file_plan&);
};

constexpr change_row changes[] = {
  {command_kind::fs_write, plan_write, run_write, settle_write},
  {command_kind::fs_edit, plan_edit, run_edit, settle_edit},
  {command_kind::fs_mkdir, plan_mkdir, run_mkdir, settle_mkdir},
  {command_kind::fs_move, plan_move, run_move, settle_move},
  {command_kind::fs_remove, plan_remove, run_remove, settle_remove},
};

const change_row* change_of(command_kind kind) noexcept {
  for (const auto& row : changes)
    if (row.kind == kind)
      return &row;
  return nullptr;
}

outcome look_only(const file_context& context, const command& what) {
  switch (what.kind) {
  case command_kind::fs_read: return run_read(context, what);
  case command_kind::fs_list: return run_list(context, what);
  case command_kind::fs_stat: return run_stat(context, what);
  case command_kind::fs_tree: return run_tree(context, what);
  case command_kind::fs_glob: return run_glob(context, what);
  case command_kind::fs_grep: return run_grep(context, what);
  case command_kind::fs_put: return run_put(context, what);
  default: return error{errc::unsupported, std::string{to_string(what.kind)} + " is not offered"};
  }
}

/// Nothing thrown leaves this room; what throws here is memory, or a plan that is not ours.
template <class F>
auto guarded(F&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return error{errc::busy, "no memory left"};
  } catch (const std::exception& why) {
    return error{errc::internal, printable(why.what())};
  }
}

command_outcome to_outcome(outcome got) {
  return got ? std::move(*got) : command_outcome::failure(got.error());
}

} // namespace

result<file_plan> plan_file_command(const file_context& context, const command& what) {
  const auto* change = change_of(what.kind);
  if (change == nullptr)
    return {boost::system::in_place_value, file_plan(nullptr)};
  return guarded([&] { return change->plan(context, what); });
}

command_outcome run_file_command(const file_context& context, const command& what,
                                 const file_plan& plan) {
  return to_outcome(guarded([&]() -> outcome {
    if (is_cancelled(context))
      return cancelled_error();
    const auto* change = change_of(what.kind);
    return change != nullptr ? change->run(context, what, plan) : look_only(context, what);
  }));
}

command_outcome settle_file_command(const file_context& context, const command& what,
                                    const file_plan& plan) {
  return to_outcome(guarded([&]() -> outcome {
    const auto* change = change_of(what.kind);
    return change != nullptr ? change->settle(context, what, plan) : look_only(context, what);
  }));
}

} // namespace holt::files
