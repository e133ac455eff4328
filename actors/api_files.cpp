// SPDX-License-Identifier: Apache-2.0

// The API's description: files. Read by file_api_* and, for glob and grep, by files/.

#include "actors/api_notes.hpp"
#include "files/file_commands.hpp"

namespace holt::api {

namespace {

std::int64_t of(std::uint64_t n) {
  return static_cast<std::int64_t>(n);
}

const files::file_limits most;
constexpr std::int64_t largest = INT64_MAX;

schema path_text() {
  return text(1);
}

schema yes_or_no() {
  return one_of({"true", "false", "1", "0"});
}

schema mode_query() {
  return text_like("^[0-1]?[0-7]{3}$").says("octal permission bits, as 0644");
}

schema mode_word() {
  return text_like("^[0-7]{4}$").like("0644");
}

schema entry_type() {
  return one_of({"file", "directory"});
}

schema entry_kind() {
  return one_of({"file", "directory", "symlink", "other"});
}

schema entry() {
  return object({need("name", text()), may("nameEncoding", one_of({"base64"}), "no UTF-8"),
                 need("path", text()), may("pathEncoding", one_of({"base64"})),
                 need("entryType", entry_type()), need("size", count()),
                 need("modified", text(), "RFC 3339"), need("kind", entry_kind()),
                 need("mode", mode_word())});
}

/// What may come in the way of every path.
note& on_path(note& what) {
  return what.fails({errc::not_found, errc::denied, errc::is_directory, errc::not_directory,
                     errc::conflict, errc::io, errc::busy});
}

note& changes(note& what) {
  return on_path(what).fails({errc::exists, errc::no_space, errc::read_only, errc::unsupported});
}

void describe_looks(notes& into) {
  on_path(into.get("/v1/fs/entries", "What is in a folder"))
    .says("By name; links are not followed.")
    .query("path", text(), "where it is not given the workspace")
    .query("recursive", yes_or_no())
    .query("depth", integer(1, 200))
    .query("limit", integer(1, of(most.max_entries)))
    .ok(list(named("Entry")))
    .with("Holt-Truncated", one_of({"true"}), "there are more")
    .with("Holt-Unreadable", text_like("^[0-9]+$"), "folders that could not be read");
  on_path(into.get("/v1/fs/stat", "What it is"))
    .says("Links are followed; `kind` says that it is one.")
    .needs_query("path", path_text())
    .ok(object({need("path", text()), may("pathEncoding", one_of({"base64"})),
                need("entryType", entry_type()), need("size", count()), need("modified", text()),
                need("kind", entry_kind()), need("mode", mode_word()), need("uid", count()),
                need("gid", count())}))
    .with("ETag", text(), "of a file");
  on_path(into.post("/v1/fs/glob", "Paths of a pattern"))
    .body(closed(
      object({need("pattern", text(1).like("src/**/*.ts")), opt("path", text(1)),
              opt("hidden", flag()), opt("kind", one_of({"any", "file", "directory"})),
              opt("limit", integer(1, of(most.max_entries))), opt("brief", flag(), "only paths")})))
    .ok(object({need("matches", list(anything())), need("truncated", flag()),
                may("truncationReason", text()), may("unreadable", count())}));
  const auto lines = integer(0, 50);
  on_path(into.post("/v1/fs/grep", "Lines of a pattern"))
    .body(closed(object(
      {need("pattern", text(1)), opt("path", text(1)), opt("regex", flag(), "RE2's syntax"),
       opt("glob", text(1), "only files of this pattern"), opt("ignoreCase", flag()),
       opt("word", flag()), opt("context", lines), opt("before", lines), opt("after", lines),
       opt("maxCount", integer(1, largest)), opt("maxPerFile", integer(1, of(most.max_matches))),
       opt("filesOnly", flag()), opt("hidden", flag()), opt("binary", flag()),
       opt("exclude", list(text(1)), "names of folders")})))
    .ok(object({need("matches", list(anything())), need("truncated", flag())}));
  on_path(into.get("/v1/fs/watch", "What changes below a folder"))
    .says("Server-sent events: `ready` first, whatever changes after it is told; then `change "
          "{kind, path, entryType, from?}`. Other query parameters are refused.")
    .needs_query("path", path_text())
    .query("recursive", yes_or_no())
    .query("exclude", text(1), "a name; may come several times; `.git` where it is not given")
    .fails({errc::unsupported})
    .answers(200, "Until one of both ends it")
    .as("text/event-stream", text());
}

void describe_content(notes& into) {
  on_path(into.get("/v1/fs/file", "The bytes of a file"))
    .needs_query("path", path_text())
    .header("Range", text(), "one range of bytes")
    .header("If-None-Match", text())
    .header("If-Match", text())
    .header("If-Range", text())
    .answers(200, "The file")
    .as("application/octet-stream", text())
    .with("ETag", text())
    .answers(206, "A part of it")
    .as("application/octet-stream", text())
    .with("Content-Range", text())
    .answers(304, "It is as the caller has it.")
    .answers(412, "It is not as the caller has it.")
    .answers(416, "There is no such part.");
  changes(into.add("PUT", "/v1/fs/file", "Write a file"))
    .says("Whole or not at all; folders on the way are made.")
    .needs_query("path", path_text())
    .query("mode", mode_query())
    .header("If-Match", text(), "only over this one")
    .header("If-None-Match", one_of({"*"}), "only where there is none")
    .bytes({"application/octet-stream"}, "The file.")
    .ok(object({need("path", text()), need("bytesWritten", count()), need("created", flag())}))
    .with("ETag", text())
    .answers(412, "It is not as the caller has it.")
    .as("application/problem+json", named("Problem"));
  const auto unpacked = object({need("paths", list(text())), need("truncated", flag()),
                                need("entries", count()), need("bytes", count())});
  for (const auto* pattern : {"/v1/fs/upload-batch", "/v1/fs/archive"})
    changes(into.post(pattern, "Unpack an archive"))
      .says("Looked through before anything is made.")
      .needs_query("path", path_text())
      .bytes(
        {"application/x-tar", "application/zstd", "application/x-zstd", "application/x-tar+zstd"},
        "The archive.", true)
      .ok(unpacked);
  on_path(into.get("/v1/fs/archive", "A folder as an archive"))
    .says("Where something below cannot be read, nothing is packed: 403, with the first of it in "
          "`details.unreadable`. What becomes unreadable while it is sent breaks the answer off. "
          "Sockets, pipes and devices are in no archive. Other query parameters are refused.")
    .needs_query("path", path_text())
    .query("format", one_of({"tar", "tar.zst"}))
    .query("skipUnreadable", yes_or_no(), "leave it out instead")
    .fails({errc::unsupported})
    .answers(200, "The archive")
    .with("Holt-Skipped", text_like("^[0-9]+$"),
          "with `skipUnreadable`: what was left out, a folder with all below it as one")
    .as("application/x-tar", text())
    .as("application/zstd", text());
}

void describe_changes(notes& into) {
  const auto done = object({need("path", text())});
  changes(into.add("DELETE", "/v1/fs/entry", "Remove a file or a folder"))
    .needs_query("path", path_text())
    .query("recursive", yes_or_no(), "also a folder that is not empty")
    .ok(done);
  changes(into.post("/v1/fs/mkdir", "Make a folder, and those on the way"))
    .needs_query("path", path_text())
    .ok(done);
  const auto from_to
    = object({need("from", text(1)), need("to", text(1)), opt("overwrite", flag())});
  changes(into.post("/v1/fs/move", "Move"))
    .body(from_to)
    .ok(object({need("from", text()), need("to", text())}));
  changes(into.post("/v1/fs/copy", "Copy"))
    .says("Folders whole, links as links.")
    .body(closed(from_to))
    .ok(object({need("from", text()), need("to", text()), need("replaced", flag())}));
  changes(into.post("/v1/fs/chmod", "Set permissions"))
    .body(closed(object({need("path", text(1)),
                         need("mode", either({text_like("^[0-1]?[0-7]{3}$"), integer(0, 01777)})),
                         opt("recursive", flag())})))
    .ok(object({need("path", text()), need("changed", count()), need("failed", count())}));
}

} // namespace

void describe_files(notes& into) {
  into.room("Files", "Inside the workspace and `files.roots`.");
  into.define("Entry", entry());
  describe_looks(into);
  describe_content(into);
  describe_changes(into);
}

} // namespace holt::api
