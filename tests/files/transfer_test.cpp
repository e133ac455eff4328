// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE file_transfer

#include "files/archive.hpp"
#include "files/copy.hpp"
#include "files/listing.hpp"
#include "files/transfer.hpp"

#include "check.hpp"
#include "tests/files/files_fixture.hpp"

#include <caf/all.hpp>

#include <array>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

using namespace holt;
using namespace holt::test;
namespace fs = std::filesystem;

namespace {

using files::archive_format;

bool is_listed(std::string_view list, std::string_view etag) {
  return list == "*" || list == etag;
}

files::upload_options matching(std::string if_match) {
  files::upload_options out;
  out.if_match = std::move(if_match);
  out.holds = is_listed;
  return out;
}

errc code_of(const auto& got) {
  return got ? errc::none : got.error().code;
}

/// A file without a name that holds `bytes`.
files::unique_fd spooled(const std::string& bytes) {
  files::unique_fd out{::memfd_create("test", MFD_CLOEXEC)};
  if (::write(out.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  return out;
}

std::string packed(const workspace& ws, const std::string& path, archive_format format) {
  auto from = files::packer::open(ws.context, path, format);
  if (!from)
    return {};
  std::string out;
  while (true) {
    auto piece = (*from)->next();
    if (!piece || piece->empty())
      return piece ? out : std::string{};
    out += *piece;
  }
}

result<files::unpacked> unpacked(const workspace& ws, const std::string& bytes,
                                 const std::string& path,
                                 archive_format format = archive_format::tar) {
  auto fd = spooled(bytes);
  files::unpack_options how;
  how.format = format;
  return files::unpack(ws.context, fd.get(), path, how);
}

/// One entry of an old tar: what no well-behaved program would make.
std::string raw_tar(const std::string& name, char type, const std::string& content = {},
                    const std::string& target = {}) {
  std::string head(512, '\0');
  const auto put
    = [&](std::size_t at, const std::string& text) { head.replace(at, text.size(), text); };
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%011zo", content.size());
  put(0, name);
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, size.data());
  put(136, "00000000000");
  put(148, "        ");
  head[156] = type;
  put(157, target);
  put(257, std::string{"ustar\0"
                       "00",
                       8});
  unsigned sum = 0;
  for (const char c : head)
    sum += static_cast<unsigned char>(c);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%06o", sum);
  put(148, std::string{text.data()} + '\0' + ' ');
  auto body = content;
  body.resize((content.size() + 511) / 512 * 512);
  return head + body;
}

std::string tar_of(const std::string& entries) {
  return entries + std::string(1024, '\0');
}

} // namespace

// -- uploads

CAF_TEST(an upload is seen only when it is whole) {
  workspace ws;
  spit(ws.root / "f", "old");
  auto up = files::upload::begin(ws.context, "f", {});
  CAF_REQUIRE(up.has_value());
  CAF_REQUIRE((*up)->write("new ").has_value());
  CAF_REQUIRE((*up)->write("content").has_value());
  CAF_CHECK_EQUAL(ws("f"), "old");
  auto done = (*up)->commit();
  CAF_REQUIRE(done.has_value());
  CAF_CHECK_EQUAL(ws("f"), "new content");
  CAF_CHECK_EQUAL(done->bytes, 11u);
  CAF_CHECK(!done->created);
  auto again = files::open_download(ws.context, "f");
  CAF_REQUIRE(again.has_value());
  CAF_CHECK_EQUAL(again->etag, done->etag);
}

CAF_TEST(an upload that is given up leaves neither file nor folder) {
  workspace ws;
  {
    auto up = files::upload::begin(ws.context, "a/b/c/f", {});
    CAF_REQUIRE(up.has_value());
    CAF_REQUIRE((*up)->write("x").has_value());
  }
  CAF_CHECK(fs::is_empty(ws.root));
  auto up = files::upload::begin(ws.context, "a/b/c/f", {});
  CAF_REQUIRE(up.has_value());
  CAF_REQUIRE((*up)->write("x").has_value());
  auto done = (*up)->commit();
  CAF_REQUIRE(done.has_value());
  CAF_CHECK(done->created);
  CAF_CHECK_EQUAL(ws("a/b/c/f"), "x");
  CAF_CHECK_EQUAL(names_of(ws.root).size(), 1u);
}

CAF_TEST(preconditions hold until the rename) {
  workspace ws;
  spit(ws.root / "f", "1");
  auto tag = files::open_download(ws.context, "f")->etag;
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, "f", matching("\"x\""))),
                  errc::conflict);
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, "none", matching("*"))), errc::conflict);
  auto up = files::upload::begin(ws.context, "f", matching(tag));
  CAF_REQUIRE(up.has_value());
  CAF_REQUIRE((*up)->write("2").has_value());
  spit(ws.root / "f", "longer");
  CAF_CHECK_EQUAL(code_of((*up)->commit()), errc::conflict);
  CAF_CHECK_EQUAL(ws("f"), "longer");
  files::upload_options fresh;
  fresh.fresh = true;
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, "f", fresh)), errc::conflict);
  auto first = files::upload::begin(ws.context, "g", fresh);
  CAF_REQUIRE(first.has_value());
  spit(ws.root / "g", "quicker");
  CAF_CHECK_EQUAL(code_of((*first)->commit()), errc::conflict);
  CAF_CHECK_EQUAL(ws("g"), "quicker");
}

CAF_TEST(an upload stays in the jail and under its limit) {
  workspace ws;
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, "../outside/f", {})), errc::denied);
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, "/etc/x", {})), errc::denied);
  fs::create_directory_symlink(ws.outside, ws.root / "out");
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, "out/f", {})), errc::denied);
  CAF_CHECK_EQUAL(code_of(files::upload::begin(ws.context, ".", {})), errc::is_directory);
  ws.context.limits.max_write = 3;
  auto up = files::upload::begin(ws.context, "f", {});
  CAF_REQUIRE(up.has_value());
  CAF_CHECK_EQUAL(code_of((*up)->write("1234")), errc::payload_too_large);
  CAF_CHECK(fs::is_empty(ws.outside));
}

// -- listing

CAF_TEST(a tree is listed to its depth and its limit) {
  workspace ws;
  fs::create_directories(ws.root / "a/b/c");
  spit(ws.root / "a/f", "1");
  spit(ws.root / "z", "1");
  auto count = [&](std::size_t depth, std::size_t limit) {
    auto got = files::list_entries(ws.context, ".", {depth, limit});
    return got ? std::pair{got->entries.size(), got->truncated} : std::pair{std::size_t{99}, false};
  };
  CAF_CHECK((count(1, 100) == std::pair{std::size_t{2}, false}));
  CAF_CHECK((count(2, 100) == std::pair{std::size_t{4}, false}));
  CAF_CHECK((count(9, 100) == std::pair{std::size_t{5}, false}));
  CAF_CHECK((count(9, 3) == std::pair{std::size_t{3}, true}));
  CAF_CHECK_EQUAL(code_of(files::list_entries(ws.context, "z", {})), errc::not_directory);
}

// -- copy and mode

CAF_TEST(a copy is whole or not there) {
  workspace ws;
  fs::create_directories(ws.root / "a/b");
  spit(ws.root / "a/b/f", "x");
  fs::create_symlink("b", ws.root / "a/link");
  CAF_REQUIRE(files::copy_entry(ws.context, {"a", "n/c", false}).has_value());
  CAF_CHECK_EQUAL(ws("n/c/b/f"), "x");
  CAF_CHECK(fs::is_symlink(ws.root / "n/c/link"));
  CAF_CHECK_EQUAL(code_of(files::copy_entry(ws.context, {"a", "n/c", false})), errc::exists);
  CAF_CHECK_EQUAL(code_of(files::copy_entry(ws.context, {"a", "n/c", true})), errc::conflict);
  CAF_CHECK_EQUAL(code_of(files::copy_entry(ws.context, {"a", "a/b/in", false})),
                  errc::invalid_request);
  CAF_CHECK_EQUAL(code_of(files::copy_entry(ws.context, {"a", "../outside/x", false})),
                  errc::denied);
  CAF_CHECK_EQUAL(code_of(files::copy_entry(ws.context, {"none", "x", false})), errc::not_found);
  CAF_CHECK_EQUAL(names_of(ws.root / "n").size(), 1u);
}

CAF_TEST(a mode reaches what is below and no link) {
  workspace ws;
  fs::create_directories(ws.root / "a/b");
  spit(ws.root / "a/b/f", "x");
  spit(ws.outside / "secret", "x");
  ::chmod((ws.outside / "secret").c_str(), 0600);
  fs::create_symlink(ws.outside / "secret", ws.root / "a/link");
  auto got = files::change_mode(ws.context, "a", 0711, true);
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->changed, 3u);
  CAF_CHECK_EQUAL(mode_of(ws.root / "a/b/f"), 0711u);
  CAF_CHECK_EQUAL(mode_of(ws.root / "a"), 0711u);
  CAF_CHECK_EQUAL(mode_of(ws.outside / "secret"), 0600u);
  CAF_CHECK_EQUAL(code_of(files::change_mode(ws.context, "a/link", 0777, false)), errc::denied);
}

// -- archives

CAF_TEST(what was packed is unpacked the same) {
  workspace ws;
  fs::create_directories(ws.root / "src/deep/empty");
  const std::string large(700'000, 'q');
  spit(ws.root / "src/large", large);
  spit(ws.root / "src/deep/\xc3\xa4 name", "text");
  ::chmod((ws.root / "src/large").c_str(), 0755);
  fs::create_symlink("deep", ws.root / "src/link");
  for (auto format : {archive_format::tar, archive_format::tar_zst}) {
    const std::string to = format == archive_format::tar ? "one" : "two";
    const auto bytes = packed(ws, "src", format);
    CAF_CHECK((format == archive_format::tar) == (bytes.size() > large.size()));
    auto got = unpacked(ws, bytes, to, format);
    CAF_REQUIRE(got.has_value());
    CAF_CHECK_EQUAL(got->entries, 5u);
    CAF_CHECK_EQUAL(ws(to + "/large"), large);
    CAF_CHECK_EQUAL(ws(to + "/deep/\xc3\xa4 name"), "text");
    CAF_CHECK_EQUAL(mode_of(ws.root / to / "large"), 0755u);
    CAF_CHECK(fs::is_directory(ws.root / to / "deep/empty"));
    CAF_CHECK_EQUAL(fs::read_symlink(ws.root / to / "link").string(), "deep");
    CAF_CHECK_EQUAL(fs::last_write_time(ws.root / to / "large"),
                    fs::last_write_time(ws.root / "src/large"));
  }
}

CAF_TEST(what an archive would lack is found before it is made) {
  workspace ws;
  fs::create_directories(ws.root / "src/shut/below");
  fs::create_directories(ws.root / "src/open");
  spit(ws.root / "src/shut/below/f", "x");
  spit(ws.root / "src/open/secret", "x");
  spit(ws.root / "src/open/seen", "x");
  fs::create_symlink("nowhere", ws.root / "src/link");
  ::mkfifo((ws.root / "src/pipe").c_str(), 0600);
  auto none = files::find_unreadable(ws.context, "src");
  CAF_REQUIRE(none.has_value());
  CAF_CHECK_EQUAL(none->count, 0u);
  CAF_CHECK_EQUAL(files::find_unreadable(ws.context, "src/open/seen")->count, 0u);
  ::chmod((ws.root / "src/open/secret").c_str(), 0);
  ::chmod((ws.root / "src/shut").c_str(), 0);
  const auto some = files::find_unreadable(ws.context, "src");
  ::chmod((ws.root / "src/shut").c_str(), 0700);
  CAF_REQUIRE(some.has_value());
  CAF_CHECK_EQUAL(some->count, 2u);
  CAF_CHECK(some->paths == (std::vector<std::string>{"open/secret", "shut"}));
  CAF_CHECK_EQUAL(code_of(files::find_unreadable(ws.context, "none")), errc::not_found);
}

CAF_TEST(the first twenty of what cannot be read are named) {
  workspace ws;
  fs::create_directories(ws.root / "src");
  for (int i = 0; i < 25; ++i) {
    const auto path = ws.root / "src" / std::to_string(i);
    spit(path, "x");
    ::chmod(path.c_str(), 0);
  }
  const auto got = files::find_unreadable(ws.context, "src");
  CAF_REQUIRE(got.has_value());
  CAF_CHECK_EQUAL(got->count, 25u);
  CAF_CHECK_EQUAL(got->paths.size(), 20u);
}

CAF_TEST(an archive lacks no more than its caller knows) {
  workspace ws;
  fs::create_directories(ws.root / "src");
  spit(ws.root / "src/a", "x");
  spit(ws.root / "src/b", "x");
  spit(ws.root / "src/seen", "x");
  ::chmod((ws.root / "src/a").c_str(), 0);
  ::chmod((ws.root / "src/b").c_str(), 0);
  const auto end_of = [&](std::uint64_t may_skip) {
    auto from = files::packer::open(ws.context, "src", archive_format::tar, may_skip);
    CAF_REQUIRE(from.has_value());
    while (true) {
      auto piece = (*from)->next();
      if (!piece)
        return piece.error().code;
      if (piece->empty())
        return errc::none;
    }
  };
  CAF_CHECK_EQUAL(end_of(0), errc::denied);
  CAF_CHECK_EQUAL(end_of(1), errc::denied);
  CAF_CHECK_EQUAL(end_of(2), errc::none);
}

CAF_TEST(an archive that climbs makes nothing) {
  workspace ws;
  const auto good = raw_tar("good", '0', "x");
  const std::vector<std::string> bad{raw_tar("../evil", '0', "x"),
                                     raw_tar("/evil", '0', "x"),
                                     raw_tar("a/../../evil", '0', "x"),
                                     raw_tar("dev", '3'),
                                     raw_tar("fifo", '6'),
                                     raw_tar("h", '1', "", "../outside/f"),
                                     raw_tar("", '0', "x"),
                                     raw_tar(".holt-0123456789abcdef", '0', "x")};
  for (const auto& one : bad) {
    CAF_CHECK_EQUAL(code_of(unpacked(ws, tar_of(good + one), "to")), errc::invalid_request);
    CAF_CHECK(fs::is_empty(ws.root));
  }
  CAF_CHECK_EQUAL(code_of(unpacked(ws, "garbage", "to")), errc::invalid_request);
  CAF_CHECK_EQUAL(code_of(unpacked(ws, "", "to")), errc::invalid_request);
  CAF_CHECK_EQUAL(code_of(unpacked(ws, raw_tar("cut", '0', "0123456789").substr(0, 515), "to")),
                  errc::invalid_request);
  CAF_CHECK(fs::is_empty(ws.root));
  CAF_CHECK(fs::is_empty(ws.outside));
}

CAF_TEST(an archive writes through no link) {
  workspace ws;
  fs::create_directory(ws.root / "to");
  const auto bytes = tar_of(raw_tar("way", '2', "", "../../outside") + raw_tar("way/f", '0', "x"));
  CAF_CHECK_EQUAL(code_of(unpacked(ws, bytes, "to")), errc::conflict);
  CAF_CHECK(fs::is_empty(ws.outside));
  // A link that is there already is replaced, not followed.
  spit(ws.outside / "g", "old");
  fs::create_symlink(ws.outside / "g", ws.root / "to/g");
  CAF_REQUIRE(unpacked(ws, tar_of(raw_tar("g", '0', "new")), "to").has_value());
  CAF_CHECK_EQUAL(slurp(ws.outside / "g"), "old");
  CAF_CHECK_EQUAL(ws("to/g"), "new");
}

CAF_TEST(an archive may not grow beyond the limit) {
  workspace ws;
  spit(ws.root / "zeros", std::string(5'000'000, '\0'));
  const auto bytes = packed(ws, "zeros", archive_format::tar_zst);
  CAF_CHECK(bytes.size() < 10'000);
  ws.context.limits.max_write = 4'000'000;
  CAF_CHECK_EQUAL(code_of(unpacked(ws, bytes, "to", archive_format::tar_zst)),
                  errc::payload_too_large);
  CAF_CHECK(!fs::exists(ws.root / "to"));
}
