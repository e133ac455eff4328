// SPDX-License-Identifier: Apache-2.0
#include "files/transfer.hpp"

#include "files/change.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

namespace holt::files {

namespace {

error precondition(std::string_view shown, std::string_view why) {
  return {errc::conflict, printable(shown) + ": " + std::string{why}};
}

/// The folder above `where` that is there already.
result<path_jail::slot> nearest_folder(const file_context& context, const jailed_path& where) {
  auto now = where;
  while (true) {
    auto slot = context.jail->open_parent(now, false);
    if (slot || slot.error().code != errc::not_found)
      return slot;
    auto cut = now.below.find_last_of('/', now.below.size() - (now.below.ends_with('/') ? 2 : 1));
    if (cut == std::string::npos)
      return slot;
    now.below.resize(cut);
  }
}

} // namespace

std::string etag_of(const entry_look& look) {
  std::array<char, 96> text{};
  auto size = std::snprintf(text.data(), text.size(), "\"%llx-%llx-%llx-%llx\"",
                            static_cast<unsigned long long>(look.inode),
                            static_cast<unsigned long long>(look.size),
                            static_cast<unsigned long long>(look.modified_ns),
                            static_cast<unsigned long long>(look.changed_ns));
  return {text.data(), static_cast<std::size_t>(size)};
}

result<download> open_download(const file_context& context, std::string_view path) {
  auto where = context.jail->locate(path);
  if (!where)
    return where.error();
  auto file = open_regular(*context.jail, *where);
  if (!file)
    return file.error();
  auto etag = etag_of(file->look);
  return download{std::make_shared<const open_file>(std::move(*file)), std::move(where->shown),
                  std::move(etag)};
}

upload::~upload() = default;

result<entry_look> upload::check(const path_jail::slot& slot) const {
  auto old = look_at(slot.folder.get(), slot.name, where_.shown);
  if (!old)
    return old;
  if (old->exists() && old->type != entry_type::file)
    return from_errno(old->type == entry_type::directory ? EISDIR : ENXIO, where_.shown);
  if (old->exists() && how_.fresh)
    return precondition(where_.shown, "exists already, and If-None-Match is *");
  if (!how_.if_match.empty() && !old->exists())
    return precondition(where_.shown, "If-Match is given, but there is no file");
  if (!how_.if_match.empty() && how_.holds != nullptr && !how_.holds(how_.if_match, etag_of(*old)))
    return precondition(where_.shown, "If-Match does not hold; the file has " + etag_of(*old));
  return old;
}

result<std::unique_ptr<upload>> upload::begin(file_context context, std::string_view path,
                                              upload_options how) {
  std::unique_ptr<upload> out{new upload{std::move(context), std::move(how)}};
  auto where = out->context_.jail->locate(path);
  if (!where)
    return where.error();
  out->where_ = std::move(*where);
  auto found = find_target(out->context_, out->where_);
  if (!found)
    return found.error();
  entry_look old;
  if (*found) {
    out->slot_ = std::move(**found);
    auto look = out->check(out->slot_);
    if (!look)
      return look.error();
    old = *look;
    if (auto good = check_writable(out->slot_, out->where_.shown); !good)
      return good.error();
  } else {
    if (!out->how_.if_match.empty())
      return precondition(out->where_.shown, "If-Match is given, but there is no file");
    auto near = nearest_folder(out->context_, out->where_);
    if (!near)
      return near.error();
    out->slot_ = std::move(*near);
    out->parents_missing_ = true;
  }
  auto next = replacement::begin(out->context_, out->slot_, temporary_name(), old, out->how_.mode,
                                 out->where_.shown);
  if (!next)
    return next.error();
  out->next_.emplace(std::move(*next));
  return out;
}

result<void> upload::write(std::string_view piece) {
  if (piece.size() > context_.limits.max_write - bytes_)
    return error{errc::payload_too_large,
                 "more than " + std::to_string(context_.limits.max_write) + " bytes"};
  bytes_ += piece.size();
  return next_->write(piece);
}

result<upload_done> upload::commit() {
  if (auto good = next_->sync(); !good)
    return good.error();
  std::optional<path_jail::slot> made;
  if (parents_missing_) {
    auto target = context_.jail->open_target(where_, true);
    if (!target)
      return target.error();
    made.emplace(std::move(*target));
  }
  const auto& target = made ? *made : slot_;
  entry_lock lock{target};
  auto old = check(target);
  if (!old)
    return old.error();
  auto good = next_->commit_at(target, how_.fresh, true);
  if (!good && how_.fresh && good.error().code == errc::exists)
    return precondition(where_.shown, "exists already, and If-None-Match is *");
  if (!good)
    return good.error();
  auto now = look_at(target.folder.get(), target.name, where_.shown);
  return upload_done{bytes_, !old->exists(), where_.shown, now ? etag_of(*now) : std::string{}};
}

} // namespace holt::files
