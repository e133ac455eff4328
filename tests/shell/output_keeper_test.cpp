// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE output_keeper

#include "shell/output_keeper.hpp"

#include "messages/command.hpp"

#include "check.hpp"
#include "tests/transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <iostream>
#include <random>
#include <sys/resource.h>

using namespace holt;
using namespace holt::shell;
using holt::test::temp_dir;

namespace {

unsigned seed() {
  const auto* given = std::getenv("HOLT_SEED");
  const auto out
    = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::cout << "HOLT_SEED=" << out << std::endl;
  return out;
}

std::string letters(std::size_t n, std::mt19937& random) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i)
    out += static_cast<char>('a' + random() % 26);
  return out;
}

} // namespace

CAF_TEST(what fits stays whole) {
  output_keeper k{8, "", 0};
  k.take("abc");
  k.take("");
  k.take("defgh");
  CAF_CHECK_EQUAL(k.text().bytes, "abcdefgh");
  CAF_CHECK(!k.text().truncated);
  CAF_CHECK_EQUAL(k.text().total, 8u);
  CAF_CHECK_EQUAL(*k.stored(2, 3), "cde");
  CAF_CHECK_EQUAL(*k.stored(5, 100), "fgh");
  CAF_CHECK_EQUAL(*k.stored(8, 1), "");
  CAF_CHECK(k.stored(9, 1).error().code == errc::not_found);
}

CAF_TEST(what does not fit keeps three quarters of head and one of tail) {
  output_keeper k{8, "", 0};
  for (const char c : std::string_view{"abcdefghijklmnopqrstuvwxyz"})
    k.take({&c, 1});
  const auto text = k.text();
  CAF_CHECK_EQUAL(text.bytes, "abcdefyz");
  CAF_CHECK(text.truncated);
  CAF_CHECK_EQUAL(text.cut, 6u);
  CAF_CHECK_EQUAL(text.total, 26u);
  CAF_CHECK_EQUAL(*k.stored(0, 100), "abcdef"); // up to the gap
  CAF_CHECK_EQUAL(*k.stored(24, 100), "yz");
  CAF_CHECK(k.stored(10, 1).error().code == errc::not_found);
}

CAF_TEST(any pieces of any stream give the same head and tail and every byte from disk) {
  std::mt19937 random{seed()};
  for (int round = 0; round < 300; ++round) {
    temp_dir dir;
    const std::size_t limit = random() % 64;
    const auto whole = letters(random() % 300, random);
    output_keeper k{limit, dir.path.string(), 1000};
    for (std::size_t at = 0; at < whole.size();) {
      const auto n = 1 + random() % 40;
      k.take(std::string_view{whole}.substr(at, n));
      at += n;
    }
    const auto text = k.text();
    CAF_CHECK_EQUAL(text.total, whole.size());
    CAF_CHECK_EQUAL(text.truncated, whole.size() > limit);
    CAF_CHECK_EQUAL(text.bytes, head_and_tail(whole, limit).bytes);
    CAF_CHECK_EQUAL(*k.stored(0, whole.size()), whole);
    const auto off = whole.empty() ? 0 : random() % whole.size();
    CAF_CHECK_EQUAL(*k.stored(off, 17), whole.substr(off, 17));
  }
}

CAF_TEST(no UTF - 8 character is cut) {
  const std::string euro = "\xe2\x82\xac";
  const std::string face = "\xf0\x9f\x98\x80";
  for (const auto& one : {euro, face, std::string{"\xc3\xa9"}})
    for (std::size_t limit = 8; limit < 40; ++limit) {
      output_keeper k{limit, "", 0};
      for (int i = 0; i < 50; ++i)
        k.take(one);
      const auto text = k.text();
      CAF_CHECK(is_utf8(text.bytes));
      CAF_CHECK_EQUAL(text.bytes.size() % one.size(), 0u);
      CAF_CHECK_EQUAL(text.cut % one.size(), 0u);
      CAF_CHECK_EQUAL(text.total, 50 * one.size());
      CAF_CHECK(text.bytes.size() + 2 * one.size() > limit);
    }
  // Bytes that are no text stay as they are.
  output_keeper k{16, "", 0};
  k.take(std::string(100, '\x80'));
  CAF_CHECK_EQUAL(k.text().bytes.size(), 16u);
  output_keeper f{16, "", 0};
  f.take(std::string(100, '\xff'));
  CAF_CHECK_EQUAL(f.text().bytes.size(), 16u);
}

CAF_TEST(the file on disk has no name and ends at its cap) {
  temp_dir dir;
  output_keeper k{8, dir.path.string(), 20};
  k.take(std::string(10, 'a'));
  k.take(std::string(30, 'b'));
  CAF_CHECK(std::filesystem::is_empty(dir.path));
  CAF_CHECK_EQUAL(*k.stored(0, 100), "aaaaaaaaaabbbbbbbbbb");
  CAF_CHECK(k.stored(25, 5).error().code == errc::not_found);
  CAF_CHECK_EQUAL(*k.stored(38, 5), "bb"); // the tail is in memory
  CAF_CHECK_EQUAL(k.total(), 40u);
}

CAF_TEST(a folder that is not there keeps memory alone) {
  output_keeper k{8, "/nowhere/at/all", 1000};
  k.take(std::string(100, 'a'));
  CAF_CHECK_EQUAL(k.text().bytes, std::string(8, 'a'));
  CAF_CHECK(k.stored(50, 5).error().code == errc::not_found);
}

CAF_TEST(a full disk keeps what was written and the answer is right) {
  // RLIMIT_FSIZE stands in for the disk: writes beyond it fail.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  temp_dir dir;
  output_keeper k{1000, dir.path.string(), 1 << 20};
  for (int i = 0; i < 100; ++i)
    k.take(std::string(100, static_cast<char>('a' + i % 26)));
  ::setrlimit(RLIMIT_FSIZE, &before);
  CAF_CHECK_EQUAL(k.total(), 10'000u);
  CAF_CHECK_EQUAL(k.text().bytes.size(), 1000u);
  CAF_CHECK_EQUAL(k.stored(0, 5000)->size(), 4096u);
  CAF_CHECK(k.stored(5000, 10).error().code == errc::not_found);
  CAF_CHECK_EQUAL(k.stored(9800, 1000)->size(), 200u);
}
