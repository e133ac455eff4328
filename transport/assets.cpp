// SPDX-License-Identifier: Apache-2.0
#include "transport/assets.hpp"

#include "transport/digest.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace holt::http {

namespace fs = std::filesystem;

namespace {

std::string etag_of(std::string_view bytes, std::string_view encoding) {
  auto out = "\"" + sha256_hex(bytes).substr(0, 24);
  if (!encoding.empty())
    out.append("-").append(encoding);
  return out + "\"";
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// Thousandths; absent or malformed: 1000.
int quality(std::string_view parameters) {
  const auto at = parameters.find("q=");
  if (at == std::string_view::npos)
    return 1000;
  const auto text = trim(parameters.substr(at + 2));
  if (text.empty() || text.front() != '0')
    return 1000;
  int out = 0;
  int unit = 100;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9' || unit == 0)
      break;
    out += (c - '0') * unit;
    unit /= 10;
  }
  return out;
}

bool etag_listed(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto one = trim(list.substr(0, end));
    if (one.starts_with("W/"))
      one.remove_prefix(2);
    if (one == etag || one == "*")
      return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

} // namespace

std::string_view content_type_of(std::string_view name) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 18> types{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
  }};
  for (const auto& [ending, type] : types)
    if (name.ends_with(ending))
      return type;
  return "application/octet-stream";
}

std::string_view choose_encoding(std::string_view accept, bool has_gzip, bool has_brotli) {
  int gzip = 0;
  int brotli = 0;
  while (!accept.empty()) {
    const auto end = std::min(accept.find(','), accept.size());
    const auto one = trim(accept.substr(0, end));
    accept.remove_prefix(std::min(end + 1, accept.size()));
    const auto mark = std::min(one.find(';'), one.size());
    const auto name = trim(one.substr(0, mark));
    const auto q = quality(one.substr(mark));
    if (name == "gzip" || name == "x-gzip")
      gzip = q;
    else if (name == "br")
      brotli = q;
  }
  if (has_brotli && brotli > 0 && (!has_gzip || brotli >= gzip))
    return "br";
  if (has_gzip && gzip > 0)
    return "gzip";
  return {};
}

bool hashed_name(std::string_view name) noexcept {
  const auto slash = name.rfind('/');
  if (slash != std::string_view::npos)
    name.remove_prefix(slash + 1);
  name = name.substr(0, name.find('.'));
  // The hash may hold a dash itself: look for one that leaves exactly eight characters first.
  if (name.size() > 9 && name[name.size() - 9] == '-')
    return true;
  const auto dash = name.rfind('-');
  return dash != std::string_view::npos && dash > 0 && name.size() - dash > 8;
}

result<assets> assets::load(const std::string& folder, assets_options options) {
  assets out;
  out.options_ = std::move(options);
  std::error_code ec;
  std::uint64_t total = 0;
  fs::recursive_directory_iterator walk{folder, ec};
  if (ec)
    return error{errc::not_found, "The page's folder " + folder + " cannot be read."};
  for (; walk != fs::recursive_directory_iterator{}; walk.increment(ec)) {
    if (ec)
      return error{errc::io, "The page's folder cannot be read: " + ec.message()};
    if (!walk->is_regular_file(ec))
      continue;
    const auto size = walk->file_size(ec);
    if (ec || size > out.options_.max_file_bytes || (total += size) > out.options_.max_total_bytes)
      return error{errc::payload_too_large, "The page's files are too large."};
    std::ifstream in{walk->path(), std::ios::binary};
    auto bytes = std::make_shared<const std::string>(std::istreambuf_iterator<char>{in},
                                                     std::istreambuf_iterator<char>{});
    if (in.bad() || bytes->size() != size)
      return error{errc::io, "A file of the page cannot be read: " + walk->path().string()};
    auto name = "/" + walk->path().lexically_relative(folder).generic_string();
    std::string encoding;
    if (name.ends_with(".gz") || name.ends_with(".br")) {
      encoding = name.ends_with(".gz") ? "gzip" : "br";
      name.resize(name.size() - 3);
    }
    auto& entry = out.files_[name];
    auto& slot = encoding.empty() ? entry.plain : encoding == "br" ? entry.brotli : entry.gzip;
    slot = {bytes, etag_of(*bytes, encoding)};
  }
  // Encodings without their original are not served.
  std::erase_if(out.files_, [](const auto& f) { return !f.second.plain.bytes; });
  for (auto& [name, entry] : out.files_) {
    entry.type = std::string{content_type_of(name)};
    entry.immutable = name != "/index.html" && hashed_name(name);
  }
  if (!out.files_.contains("/index.html"))
    return error{errc::not_found, "The page's folder " + folder + " has no index.html."};
  return out;
}

bool assets::has(std::string_view path) const {
  return files_.contains(path == "/" ? std::string_view{"/index.html"} : path);
}

response assets::serve(const request& what) const {
  if (what.method != "GET" && what.method != "HEAD") {
    auto out = problem({errc::method_not_allowed, {}});
    out.headers.push_back({"Allow", "GET, HEAD"});
    return out;
  }
  const auto found
    = files_.find(what.path == "/" ? std::string_view{"/index.html"} : std::string_view{what.path});
  if (found == files_.end())
    return problem({errc::not_found, {}});
  const auto& entry = found->second;
  const bool encoded = entry.gzip.bytes || entry.brotli.bytes;
  const auto encoding = choose_encoding(what.header_value("Accept-Encoding"),
                                        entry.gzip.bytes != nullptr, entry.brotli.bytes != nullptr);
  const auto& chosen = encoding == "br"     ? entry.brotli
                       : encoding == "gzip" ? entry.gzip
                                            : entry.plain;
  response out;
  out.headers = {
    {"ETag", chosen.etag},
    {"Cache-Control", entry.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  if (encoded)
    out.headers.push_back({"Vary", "Accept-Encoding"});
  if (etag_listed(what.header_value("If-None-Match"), chosen.etag)) {
    out.status = 304;
    return out;
  }
  out.headers.push_back({"Content-Type", entry.type});
  if (!encoding.empty())
    out.headers.push_back({"Content-Encoding", std::string{encoding}});
  if (entry.type.starts_with("text/html")) {
    out.headers.push_back({"Content-Security-Policy", options_.content_security_policy});
    out.headers.push_back({"X-Frame-Options", "DENY"});
    out.headers.push_back(
      {"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"});
  }
  out.body = chosen.bytes;
  return out;
}

} // namespace holt::http
