// SPDX-License-Identifier: Apache-2.0

// fs.read: a whole file, a window of lines or a range of bytes.

#include "files/commands.hpp"
#include "files/content.hpp"
#include "files/fields.hpp"

#include <algorithm>
#include <limits>

namespace holt::files {

namespace {

constexpr std::uint64_t max_offset = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t always_hashed = 1024 * 1024; ///< bytes; 0.7 ms without SHA instructions

struct read_request {
  bool lines = false;
  std::uint64_t first_line = 0; ///< from 0
  std::uint64_t line_limit = max_offset;
  bool range = false;
  std::uint64_t off = 0;
  std::uint64_t len = max_offset;
  bool base64 = false;
  bool hash = false;
  std::string if_none_match; ///< SHA-256 of the whole file that the agent has
  std::uint64_t max_bytes = max_offset;
  std::uint64_t max_binary = max_offset;
};

void read_range(field_reader& from, read_request& out) {
  const auto& range = from.raw("range");
  if (range.is_null())
    return;
  out.range = true;
  if (!range.is_object()) {
    from.refuse(errc::unprocessable, "range must be {off, len} in bytes");
    return;
  }
  field_reader inner{range};
  out.off = inner.number("off", 0, max_offset).value_or(0);
  out.len = inner.number("len", 0, max_offset).value_or(max_offset);
  if (inner.wrong())
    from.refuse(inner.why().code, "range: " + inner.why().detail);
}

read_request read_body(field_reader& from) {
  read_request out;
  auto offset = from.number("offset", 0, max_offset);
  auto limit = from.number("limit", 0, max_offset);
  out.lines = offset || limit;
  out.first_line = offset.value_or(0);
  out.line_limit = limit.value_or(max_offset);
  read_range(from, out);
  if (out.lines && out.range)
    from.refuse(errc::invalid_request, "range goes without offset and limit");
  auto encoding = from.optional_text("encoding").value_or("utf8");
  if (encoding != "utf8" && encoding != "utf-8" && encoding != "base64")
    from.refuse(errc::invalid_request, "encoding must be utf8 or base64");
  out.base64 = encoding == "base64";
  out.hash = from.flag("hash", false);
  if (auto text = from.optional_text("if_none_match")) {
    out.if_none_match = hash_text(*text);
    if (out.if_none_match.empty())
      from.refuse(errc::invalid_request, "if_none_match must be a SHA-256 in hex");
  }
  out.max_bytes = from.number("max_bytes", 0, max_offset).value_or(max_offset);
  out.max_binary = from.number("max_binary", 0, max_offset).value_or(max_offset);
  return out;
}

error too_large(std::string_view shown, std::uint64_t size, std::uint64_t most) {
  return {errc::payload_too_large, printable(shown) + ": " + std::to_string(size)
                                     + " bytes; at most " + std::to_string(most)
                                     + " are read at once"};
}

/// Cuts a window of lines out of pieces as they come.
class line_window {
public:
  line_window(std::uint64_t first, std::uint64_t limit)
    : first_{first}, end_{limit > max_offset - first ? max_offset : first + limit} {}

  void add(std::string_view piece) {
    while (!piece.empty()) {
      auto cut = piece.find('\n');
      auto part = piece.substr(0, cut == std::string_view::npos ? piece.size() : cut + 1);
      if (line_ >= first_ && line_ < end_)
        text += part;
      open_ = cut == std::string_view::npos;
      line_ += open_ ? 0 : 1;
      piece.remove_prefix(part.size());
      if (line_ >= end_ && !open_) { // only the count is of interest from here on
        line_ += static_cast<std::uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
        open_ = !piece.empty() && piece.back() != '\n';
        return;
      }
    }
  }

  /// Lines seen so far; the last counts also without an end.
  std::uint64_t lines() const noexcept { return line_ + (open_ ? 1 : 0); }
  bool past_end() const noexcept { return line_ >= end_; }
  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t end() const noexcept { return end_; }

  std::string text;

private:
  std::uint64_t first_;
  std::uint64_t end_;
  std::uint64_t line_ = 0; ///< that the next byte belongs to
  bool open_ = false;      ///< it has begun
};

/// Fills the answer's text and its fields.
result<std::string> read_lines(const file_context& context, const open_file& file,
                               const read_request& how, std::string_view shown,
                               nlohmann::json& fields, sha256& whole) {
  line_window window{how.first_line, how.line_limit};
  const auto most = std::min(how.max_bytes, context.limits.max_read);
  // The total is worth a pass over the rest of a file of ordinary size only.
  const bool count_all = how.hash || file.look.size <= context.limits.max_read;
  bool whole_seen = true;
  auto good
    = read_pieces(context, file.fd.get(), shown, 0, max_offset, [&](std::string_view piece) {
        window.add(piece);
        if (how.hash)
          whole.add(piece);
        whole_seen = count_all || !window.past_end();
        return whole_seen && window.text.size() <= most;
      });
  if (!good)
    return good.error();
  if (window.text.size() > most)
    return too_large(shown, window.text.size(), most);
  auto end = std::max(how.first_line, std::min(window.end(), window.lines()));
  fields["start_line"] = how.first_line;
  fields["end_line"] = end;
  if (whole_seen)
    fields["total_lines"] = window.lines();
  if (!whole_seen || end < window.lines())
    fields["next_offset"] = end;
  return std::move(window.text);
}

result<std::string> read_range_of(const file_context& context, const open_file& file,
                                  const read_request& how, std::string_view shown,
                                  nlohmann::json& fields, sha256& whole) {
  const auto most = std::min(how.max_bytes, context.limits.max_read);
  auto rest = file.look.size > how.off ? file.look.size - how.off : 0;
  if (std::min(how.len, rest) > most)
    return too_large(shown, std::min(how.len, rest), most);
  std::string text;
  auto good = read_pieces(context, file.fd.get(), shown, how.off, std::min(how.len, most + 1),
                          [&](std::string_view piece) {
                            text += piece;
                            return true;
                          });
  if (!good)
    return good.error();
  if (text.size() > most)
    return too_large(shown, text.size(), most);
  if (how.hash) {
    auto all = read_pieces(context, file.fd.get(), shown, 0, max_offset, [&](auto piece) {
      whole.add(piece);
      return true;
    });
    if (!all)
      return all.error();
  }
  fields["off"] = how.off;
  fields["eof"] = how.off + text.size() >= file.look.size;
  return text;
}

} // namespace

outcome run_read(const file_context& context, const command& what) {
  field_reader from{what.body};
  auto how = read_body(from);
  auto where = read_path(from, *context.jail);
  if (!where)
    return where.error();
  auto file = open_regular(*context.jail, *where);
  if (!file)
    return file.error();
  // The hash of a small file costs nothing, and lets windows of it be cached.
  how.hash = how.hash || !how.if_none_match.empty()
             || file->look.size <= std::min<std::uint64_t>(always_hashed, context.limits.max_read);
  command_outcome out;
  sha256 whole;
  const auto& shown = where->shown;
  auto text = how.lines   ? read_lines(context, *file, how, shown, out.fields, whole)
              : how.range ? read_range_of(context, *file, how, shown, out.fields, whole)
                          : read_whole(context, *file, shown,
                                       std::min(how.max_bytes, context.limits.max_read));
  if (!text)
    return text.error();
  const bool part = how.lines || how.range;
  out.fields["size"] = part ? file->look.size : text->size();
  if (how.max_binary < out.fields["size"].get<std::uint64_t>() && !is_utf8(*text)) {
    out.code = errc::payload_too_large;
    out.detail = printable(shown) + ": binary, " + std::to_string(file->look.size) + " bytes";
    out.fields["binary"] = true;
    return out;
  }
  if (how.hash) {
    auto hash = part ? whole.hex() : sha256_hex(*text);
    const bool known = hash == how.if_none_match;
    out.fields[part ? "file_sha256" : "sha256"] = std::move(hash);
    if (known) {
      out.fields["not_modified"] = true;
      return out;
    }
  }
  put_content(context, out, std::move(*text), how.base64);
  return out;
}

} // namespace holt::files
