// SPDX-License-Identifier: Apache-2.0

// fs.write: a new file or a new content, from the command itself or from an upload.

#include "files/change.hpp"
#include "files/commands.hpp"
#include "files/fields.hpp"
#include "files/uploads.hpp"

#include <limits>

namespace holt::files {

namespace {

struct write_request {
  std::string content;
  std::string upload; ///< instead of content
  std::string sha256; ///< that the new content must have; may be empty without upload
  std::optional<unsigned> mode;
  bool fresh = false; ///< create: "new"
  std::string if_match;
  jailed_path where;
};

std::string read_hash(field_reader& from, const char* field) {
  auto text = from.optional_text(field);
  if (!text)
    return {};
  auto hash = hash_text(*text);
  if (hash.empty())
    from.refuse(errc::invalid_request, std::string{field} + " must be a SHA-256 in hex");
  return hash;
}

result<write_request> read_body(const file_context& context, const command& what) {
  field_reader from{what.body};
  write_request out;
  out.upload = from.optional_text("upload").value_or("");
  out.sha256 = read_hash(from, "sha256");
  out.if_match = read_hash(from, "if_match");
  out.mode = from.mode("mode");
  auto create = from.optional_text("create").value_or("any");
  if (create != "any" && create != "new")
    from.refuse(errc::invalid_request, "create must be new or any");
  out.fresh = create == "new";
  if (out.fresh && !out.if_match.empty())
    from.refuse(errc::invalid_request, "create new goes without if_match");
  if (out.upload.empty())
    out.content = from.bytes("content");
  else if (!from.raw("content").is_null())
    from.refuse(errc::invalid_request, "content goes without upload");
  else if (out.sha256.empty())
    from.refuse(errc::unprocessable, "sha256 is missing");
  auto where = read_path(from, *context.jail);
  if (!where)
    return where.error();
  out.where = std::move(*where);
  if (out.content.size() > context.limits.max_write)
    return error{errc::payload_too_large,
                 "content has more than " + std::to_string(context.limits.max_write) + " bytes"};
  return out;
}

error wrong_hash(const std::string& is) {
  return {errc::conflict, "the content has another SHA-256 than the command says: " + is};
}

struct content_facts {
  std::uint64_t size = 0;
  std::string sha256;
};

result<content_facts> facts_of(const file_context& context, const command& what,
                               const write_request& want) {
  content_facts out;
  if (want.upload.empty()) {
    out = {want.content.size(), sha256_hex(want.content)};
  } else {
    auto file = open_upload(context, what, want.upload);
    if (!file)
      return file.error();
    auto hash = hash_file(context, file->fd.get(), "upload");
    if (!hash)
      return hash.error();
    out = {file->look.size, std::move(*hash)};
  }
  if (!want.sha256.empty() && out.sha256 != want.sha256)
    return wrong_hash(out.sha256);
  return out;
}

result<void> fill(const file_context& context, const command& what, const write_request& want,
                  replacement& into) {
  if (want.upload.empty())
    return into.write(want.content);
  auto file = open_upload(context, what, want.upload);
  if (!file)
    return file.error();
  sha256 hash;
  result<void> wrote;
  auto read = read_pieces(context, file->fd.get(), "upload", 0,
                          std::numeric_limits<std::int64_t>::max(), [&](std::string_view piece) {
                            hash.add(piece);
                            wrote = into.write(piece);
                            return wrote.has_value();
                          });
  if (!read)
    return read;
  if (!wrote)
    return wrote;
  if (auto is = hash.hex(); is != want.sha256) // a piece came in between
    return wrong_hash(is);
  return {};
}

command_outcome done(const file_context& context, const command& what, const write_request& want,
                     const file_plan& plan) {
  if (!want.upload.empty())
    remove_upload(context, what, want.upload);
  return answer({{"bytes", plan["after"]["size"]},
                 {"sha256", plan["after"]["sha256"]},
                 {"created", plan["before"].is_null()}});
}

} // namespace

result<file_plan> plan_write(const file_context& context, const command& what) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto facts = facts_of(context, what, *want);
  if (!facts)
    return facts.error();
  auto slot = find_target(context, want->where);
  if (!slot)
    return slot.error();
  const auto& shown = want->where.shown;
  file_state before;
  if (*slot) {
    auto state = state_of(context, **slot, shown);
    if (!state)
      return state.error();
    before = std::move(*state);
    if (before.look.exists() && want->fresh)
      return error{errc::exists, printable(shown) + ": exists already"};
    if (auto good = check_writable(**slot, shown); !good)
      return good.error();
  }
  auto plan = change_plan(before, facts->size, facts->sha256);
  if (want->if_match.empty())
    return planned(std::move(plan));
  if (!*slot)
    return error{errc::conflict, printable(shown) + ": if_match is given, but there is no file"};
  if (auto good = check_match(context, **slot, want->if_match, plan, shown); !good)
    return good.error();
  return planned(std::move(plan));
}

outcome run_write(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  if (!is_change_plan(plan))
    return error{errc::internal, "the plan is not one of ours"};
  const auto& shown = want->where.shown;
  auto slot = context.jail->open_target(want->where, true);
  if (!slot)
    return slot.error();
  step(context, "parents_made");
  auto old = look_at(slot->folder.get(), slot->name, shown);
  if (!old)
    return old.error();
  if (old->exists() && old->type != entry_type::file)
    return from_errno(old->type == entry_type::directory ? EISDIR : ENXIO, shown);
  auto next = replacement::begin(context, *slot, planned_temporary(plan), *old, want->mode, shown);
  if (!next)
    return next.error();
  if (auto good = fill(context, what, *want, *next); !good)
    return good.error();
  if (auto good = next->sync(); !good)
    return good.error();
  entry_lock lock{*slot};
  if (!want->if_match.empty())
    if (auto good = check_match(context, *slot, want->if_match, plan, shown); !good)
      return good.error();
  if (auto good = next->commit(want->fresh); !good)
    return good.error();
  return done(context, what, *want, plan);
}

outcome settle_write(const file_context& context, const command& what, const file_plan& plan) {
  auto want = read_body(context, what);
  if (!want)
    return want.error();
  auto state = look_back(context, want->where, plan);
  if (!state)
    return state.error();
  if (*state == change_state::unknown)
    return interrupted_error(want->where.shown);
  if (*state == change_state::made)
    return done(context, what, *want, plan);
  return run_write(context, what, plan);
}

} // namespace holt::files
