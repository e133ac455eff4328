// SPDX-License-Identifier: Apache-2.0
#pragma once

// What file_commands dispatches to: one run for each command that only looks; plan, run and settle
// for each that changes something. Fields and answers: docs/protocol-sbx1.md, section 3a. Private
// to files/.

#include "files/file_commands.hpp"

namespace holt::files {

using outcome = result<command_outcome>;

outcome run_read(const file_context& context, const command& what);
outcome run_list(const file_context& context, const command& what);
outcome run_stat(const file_context& context, const command& what);
outcome run_tree(const file_context& context, const command& what);
outcome run_glob(const file_context& context, const command& what);
outcome run_grep(const file_context& context, const command& what);
outcome run_put(const file_context& context, const command& what);

result<file_plan> plan_write(const file_context& context, const command& what);
outcome run_write(const file_context& context, const command& what, const file_plan& plan);
outcome settle_write(const file_context& context, const command& what, const file_plan& plan);

result<file_plan> plan_edit(const file_context& context, const command& what);
outcome run_edit(const file_context& context, const command& what, const file_plan& plan);
outcome settle_edit(const file_context& context, const command& what, const file_plan& plan);

result<file_plan> plan_mkdir(const file_context& context, const command& what);
outcome run_mkdir(const file_context& context, const command& what, const file_plan& plan);
outcome settle_mkdir(const file_context& context, const command& what, const file_plan& plan);

result<file_plan> plan_move(const file_context& context, const command& what);
outcome run_move(const file_context& context, const command& what, const file_plan& plan);
outcome settle_move(const file_context& context, const command& what, const file_plan& plan);

result<file_plan> plan_remove(const file_context& context, const command& what);
outcome run_remove(const file_context& context, const command& what, const file_plan& plan);
outcome settle_remove(const file_context& context, const command& what, const file_plan& plan);

/// An answer with nothing but fields.
inline command_outcome answer(nlohmann::json fields) {
  command_outcome out;
  out.fields = std::move(fields);
  return out;
}

/// A result<json> made from a json would take it for its error.
inline result<file_plan> planned(file_plan plan) {
  return {boost::system::in_place_value, std::move(plan)};
}

/// Somebody else has been there since the plan was made.
inline error interrupted_error(std::string_view shown) {
  return {errc::interrupted,
          printable(shown) + ": changed since; whether this command did it is not known"};
}

} // namespace holt::files
