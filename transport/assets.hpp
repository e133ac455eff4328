// SPDX-License-Identifier: Apache-2.0
#pragma once

// The page's files (Vite's output), read once into memory and served from there. Immutable after
// load; any thread. It never touches the disk for a request.

#include "transport/http_types.hpp"

#include <map>

namespace holt::http {

struct assets_options {
  /// Sent with HTML. `connect-src 'self'` also covers WebSockets of the same origin.
  std::string content_security_policy
    = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
      "font-src 'self'; media-src 'self' blob: mediastream:; connect-src 'self'; manifest-src "
      "'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  std::uint64_t max_file_bytes = 16 * 1024 * 1024;
  std::uint64_t max_total_bytes = 64 * 1024 * 1024;
};

class assets {
public:
  /// All regular files below `folder`; `x.gz` and `x.br` beside `x` are its encodings. Errors:
  /// not_found (no folder, or no index.html in it), payload_too_large, io.
  static result<assets> load(const std::string& folder, assets_options options = {});

  /// True when `path` (of a request, still encoded) is one of the files; "/" is index.html.
  bool has(std::string_view path) const;
  /// Answers GET and HEAD: 200, 304 (If-None-Match) or the problem not_found, method_not_allowed.
  response serve(const request& what) const;
  std::size_t count() const noexcept { return files_.size(); }

private:
  struct variant {
    std::shared_ptr<const std::string> bytes;
    std::string etag;
  };
  struct file {
    std::string type;
    bool immutable = false;
    variant plain;
    variant gzip;
    variant brotli;
  };

  assets_options options_;
  std::map<std::string, file, std::less<>> files_; ///< by path, "/index.html"
};

/// Content type by the name's ending; `application/octet-stream` when unknown.
std::string_view content_type_of(std::string_view name) noexcept;

/// Which of br, gzip, identity an Accept-Encoding header takes; q-values count, ties go to br.
std::string_view choose_encoding(std::string_view accept, bool has_gzip, bool has_brotli);

/// Vite's hashed names: `name-` and eight or more of [A-Za-z0-9_-] before the ending.
bool hashed_name(std::string_view name) noexcept;

} // namespace holt::http
