// SPDX-License-Identifier: Apache-2.0
#include "files/change.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace holt::files {

namespace {

/// Larger files are recognised by inode and times alone: hashing them would double the work.
constexpr std::uint64_t max_hashed = 64 * 1024 * 1024;

result<std::string> hash_at(const file_context& context, const path_jail::slot& slot,
                            std::string_view shown) {
  auto file = open_regular(slot.folder.get(), slot.name, shown);
  if (!file)
    return file.error();
  return hash_file(context, file->fd.get(), shown);
}

} // namespace

result<file_state> state_of(const file_context& context, const path_jail::slot& slot,
                            std::string_view shown) {
  auto look = look_at(slot.folder.get(), slot.name, shown);
  if (!look)
    return look.error();
  file_state out;
  out.look = *look;
  switch (look->type) {
  case entry_type::absent: return out;
  case entry_type::directory: return from_errno(EISDIR, shown);
  case entry_type::symlink: return from_errno(ELOOP, shown);
  case entry_type::other: return from_errno(ENXIO, shown);
  case entry_type::file: break;
  }
  if (look->size > max_hashed)
    return out;
  auto hash = hash_at(context, slot, shown);
  // What may be written but not read is recognised by inode and times too.
  if (!hash && hash.error().code != errc::denied)
    return hash.error();
  if (hash)
    out.sha256 = std::move(*hash);
  return out;
}

result<void> check_writable(const path_jail::slot& slot, std::string_view shown) {
  unique_fd seen{::openat(slot.folder.get(), slot.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!seen && errno == ENOENT)
    return {};
  if (!seen)
    return from_errno(errno, shown);
  auto look = look_at(seen.get(), shown);
  if (!look)
    return look.error();
  if (int failed = may_write(seen.get(), *look); failed != 0)
    return from_errno(failed, shown);
  return {};
}

result<std::optional<path_jail::slot>> find_target(const file_context& context,
                                                   const jailed_path& where) {
  if (where.below.ends_with('/'))
    return from_errno(EISDIR, where.shown);
  if (where.below == ".")
    return from_errno(EISDIR, where.shown);
  auto slot = context.jail->open_target(where, false);
  if (slot)
    return std::optional<path_jail::slot>{std::move(*slot)};
  if (slot.error().code == errc::not_found)
    return std::optional<path_jail::slot>{};
  return slot.error();
}

nlohmann::json state_to_plan(const file_state& state) {
  auto out = to_plan(state.look);
  if (!state.sha256.empty())
    out["sha256"] = state.sha256;
  return out;
}

file_plan change_plan(const file_state& before, std::uint64_t size, const std::string& sha256) {
  return {{"before", state_to_plan(before)},
          {"after", {{"size", size}, {"sha256", sha256}}},
          {"temporary", temporary_name()}};
}

bool is_change_plan(const file_plan& plan) noexcept {
  return plan.is_object() && plan.contains("before") && plan.contains("after")
         && plan["after"].is_object() && plan["after"].contains("size")
         && plan["after"].contains("sha256");
}

std::string planned_temporary(const file_plan& plan) {
  auto name = plan.is_object() ? plan.value("temporary", std::string{}) : std::string{};
  return is_temporary_name(name) ? name : temporary_name();
}

result<change_state> look_back(const file_context& context, const jailed_path& where,
                               const file_plan& plan) {
  if (!is_change_plan(plan))
    return error{errc::internal, "the plan is not one of ours"};
  const auto& before = plan["before"];
  auto slot = find_target(context, where);
  if (!slot && slot.error().code == errc::not_directory)
    return change_state::unknown;
  if (!slot)
    return slot.error();
  if (!*slot)
    return before.is_null() ? change_state::not_made : change_state::unknown;
  ::unlinkat((*slot)->folder.get(), planned_temporary(plan).c_str(), 0);
  auto look = look_at((*slot)->folder.get(), (*slot)->name, where.shown);
  if (!look)
    return look.error();
  if (!look->exists())
    return before.is_null() ? change_state::not_made : change_state::unknown;
  if (look->type != entry_type::file)
    return change_state::unknown;
  if (!before.is_null() && untouched(*look, look_from_plan(before)))
    return change_state::not_made;
  const auto after_size = plan["after"].value("size", std::uint64_t{0});
  const auto after = plan["after"].value("sha256", std::string{});
  const auto before_hash = before.is_null() ? std::string{} : before.value("sha256", std::string{});
  if (look->size != after_size && (before_hash.empty() || look->size != before.value("size", 0ull)))
    return change_state::unknown;
  auto hash = hash_at(context, **slot, where.shown);
  if (!hash)
    return hash.error();
  if (*hash == after)
    return change_state::made;
  return *hash == before_hash ? change_state::not_made : change_state::unknown;
}

result<void> check_match(const file_context& context, const path_jail::slot& slot,
                         const std::string& if_match, const file_plan& plan,
                         std::string_view shown) {
  auto look = look_at(slot.folder.get(), slot.name, shown);
  if (!look)
    return look.error();
  if (!look->exists())
    return error{errc::conflict, printable(shown) + ": if_match is given, but there is no file"};
  std::string now;
  if (is_change_plan(plan) && !plan["before"].is_null()
      && untouched(*look, look_from_plan(plan["before"])))
    now = plan["before"].value("sha256", std::string{});
  if (now.empty()) {
    auto hash = hash_at(context, slot, shown);
    if (!hash)
      return hash.error();
    now = std::move(*hash);
  }
  if (now != if_match)
    return error{errc::conflict,
                 printable(shown) + ": if_match does not hold; the file has " + now};
  return {};
}

} // namespace holt::files
