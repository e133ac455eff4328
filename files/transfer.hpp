// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whole files in and out without being held in memory: what GET and PUT of the HTTP API stand on.
// Blocking; one upload is used by one thread at a time.

#include "files/replacement.hpp"

#include <memory>

namespace holt::files {

/// Of what a file was at one look: another inode, size, or time of change makes another one.
/// Quoted.
std::string etag_of(const entry_look& look);

struct download {
  std::shared_ptr<const open_file> file;
  std::string shown;
  std::string etag;
};

/// not_found, denied, is_directory, unsupported.
result<download> open_download(const file_context& context, std::string_view path);

struct upload_options {
  std::optional<unsigned> mode;
  /// ETags that the file must have (`*`: it must exist); empty: whatever. Judged by `holds`.
  std::string if_match;
  bool fresh = false; ///< there must be nothing (If-None-Match: *)
  /// Whether the tag stands in if_match.
  bool (*holds)(std::string_view list, std::string_view etag) = nullptr;
};

struct upload_done {
  std::uint64_t bytes = 0;
  bool created = false;
  std::string shown;
  std::string etag;
};

/// One new content on its way: a temporary file until commit. Destroyed before: nothing is left,
/// also no folder.
class upload {
public:
  /// `conflict`: a precondition does not hold; else as fs.write.
  static result<std::unique_ptr<upload>> begin(file_context context, std::string_view path,
                                               upload_options how);
  upload(const upload&) = delete;
  upload& operator=(const upload&) = delete;
  ~upload();

  result<void> write(std::string_view piece);
  /// Synced, parents made, renamed; `conflict` when a precondition does not hold any more.
  result<upload_done> commit();

private:
  upload(file_context context, upload_options how)
    : context_{std::move(context)}, how_{std::move(how)} {}
  result<entry_look> check(const path_jail::slot& slot) const;

  file_context context_;
  upload_options how_;
  jailed_path where_;
  path_jail::slot slot_; ///< where the temporary file is
  bool parents_missing_ = false;
  std::optional<replacement> next_;
  std::uint64_t bytes_ = 0;
};

} // namespace holt::files
