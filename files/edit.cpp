// SPDX-License-Identifier: Apache-2.0

// fs.edit: exact text replaced in a file. An edit that does not fit is a final answer with fields
// of its own, kept in the plan as `refused`.

#include "files/change.hpp"
#include "files/commands.hpp"
#include "files/edit_text.hpp"
#include "files/fields.hpp"

#include <cerrno>

namespace holt::files {

namespace {

constexpr std::size_t max_edits = 1000;

struct edit_request {
  std::vector<text_edit> edits;
  std::string if_match;
  jailed_path where;
};

void read_edit(field_reader& from, const nlohmann::json& body, std::size_t number,
               std::vector<text_edit>& into) {
  const auto name = "edits[" + std::to_string(number) + "]";
  if (!body.is_object()) {
    from.refuse(errc::unprocessable, name + " must be {old, new, all?}");
    return;
  }
  field_reader inner{body};
  text_edit out{inner.text("old"), inner.text("new"), inner.flag("all", false)};
  if (!inner.wrong() && out.old_text.empty())
    inner.refuse(errc::invalid_request, "old must not be empty");
  if (inner.wrong())
    from.refuse(inner.why().code, name + ": " + inner.why().detail);
  into.push_back(std::move(out));
}

result<edit_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  edit_request out;
  if (auto text = from.optional_text("if_match")) {
    out.if_match = hash_text(*text);
    if (out.if_match.empty())
      from.refuse(errc::invalid_request, "if_match must be a SHA-256 in hex");
  }
  const auto& edits = from.raw("edits");
  if (!edits.is_array() || edits.empty() || edits.size() > max_edits)
    from.refuse(errc::unprocessable, "edits must be an array of 1 to 1,000 {old, new, all?}");
  for (std::size_t i = 0; !from.wrong() && i < edits.size(); ++i)
    read_edit(from, edits[i], i, out.edits);
  auto where = read_path(from, *context.jail);
  if (!where)
    return where.error();
  out.where = std::move(*where);
  return out;
}

struct old_file {
  path_jail::slot slot;
  file_state state;
  std::string text;
};

result<old_file> read_old(const file_context& context, const edit_request& want) {
  const auto& shown = want.where.shown;
  auto slot = find_target(context, want.where);
  if (!slot)
    return slot.error();
  if (!*slot)
    return from_errno(ENOENT, shown);
  auto file = open_regular((*slot)->folder.get(), (*slot)->name, shown);
  if (!file)
    return file.error();
  auto text = read_whole(context, *file, shown, context.limits.max_read);
  if (!text)
    return text.error();
  if (auto good = check_writable(**slot, shown); !good)
    return good.error();
  auto hash = sha256_hex(*text);
  if (!want.if_match.empty() && want.if_match != hash)
    return error{errc::conflict,
                 printable(shown) + ": if_match does not hold; the file has " + hash};
  return old_file{std::move(**slot), {file->look, std::move(hash)}, std::move(*text)};
}

command_outcome refusal(const edited_text& why, std::string_view shown) {
  command_outcome out;
  out.code = why.code;
  out.detail = printable(shown) + ": " + why.detail;
  if (why.code == errc::conflict)
    out.fields = {{"edit", why.edit}, {"occurrences", why.occurrences}};
  return out;
}

command_outcome refused(const nlohmann::json& plan) {
  command_outcome out;
  out.code = info(plan.value("code", std::string{})).code;
  out.detail = plan.value("detail", std::string{});
  out.fields = plan.value("fields", nlohmann::json::object());
  return out;
}

command_outcome done(std::uint64_t replacements, std::uint64_t size, const std::string& sha256) {
  return answer({{"replacements", replacements}, {"bytes", size}, {"sha256", sha256}});
}

} // namespace

result<file_plan> plan_edit(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto old = read_old(context, *want);
  if (!old)
    return old.error();
  auto next = apply_edits(std::move(old->text), want->edits, context.limits.max_read);
  if (next.code != errc::none) {
    auto why = refusal(next, want->where.shown);
    return planned(
      {{"refused",
        {{"code", info(why.code).word}, {"detail", why.detail}, {"fields", why.fields}}}});
  }
  auto plan = change_plan(old->state, next.text.size(), sha256_hex(next.text));
  plan["replacements"] = next.replacements;
  return planned(std::move(plan));
}

outcome run_edit(const file_context& context, const command& what, const file_plan& plan) {
  if (plan.is_object() && plan.contains("refused"))
    return refused(plan["refused"]);
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  const auto& shown = want->where.shown;
  auto slot = find_target(context, want->where);
  if (!slot)
    return slot.error();
  if (!*slot)
    return from_errno(ENOENT, shown);
  // Two edits of one file at a time both count: the second is made in what the first has left.
  entry_lock lock{**slot};
  auto old = read_old(context, *want);
  if (!old)
    return old.error();
  auto next = apply_edits(std::move(old->text), want->edits, context.limits.max_read);
  if (next.code != errc::none)
    return refusal(next, shown);
  auto file = replacement::begin(context, old->slot, planned_temporary(plan), old->state.look,
                                 std::nullopt, shown);
  if (!file)
    return file.error();
  if (auto good = file->write(next.text); !good)
    return good.error();
  if (auto good = file->sync(); !good)
    return good.error();
  auto now = look_at(old->slot.folder.get(), old->slot.name, shown);
  if (!now)
    return now.error();
  if (!untouched(*now, old->state.look))
    return error{errc::conflict, printable(shown) + ": somebody else is changing the file"};
  if (auto good = file->commit(false); !good)
    return good.error();
  return done(next.replacements, next.text.size(), sha256_hex(next.text));
}

outcome settle_edit(const file_context& context, const command& what, const file_plan& plan) {
  if (plan.is_object() && plan.contains("refused"))
    return refused(plan["refused"]);
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto state = look_back(context, want->where, plan);
  if (!state)
    return state.error();
  if (*state == change_state::unknown)
    return interrupted_error(want->where.shown);
  if (*state == change_state::made)
    return done(plan.value("replacements", std::uint64_t{0}),
                plan["after"].value("size", std::uint64_t{0}),
                plan["after"].value("sha256", std::string{}));
  return run_edit(context, what, plan);
}

} // namespace holt::files
