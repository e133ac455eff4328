// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the journal's tests share: a folder that goes away, a journal in it, keys in one word, a
// seed that is printed.

#include "link/journal_store.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <unistd.h>

namespace holt::link::test {

struct journal_dir {
  std::filesystem::path path;

  /// In memory where there is room, where a sync costs nothing: a killed process loses nothing of
  /// what it has written there either.
  journal_dir() {
    auto base = std::filesystem::temp_directory_path();
    std::error_code failed;
    const auto room = std::filesystem::space("/dev/shm", failed).available;
    if (!failed && room > (256u << 20) && ::access("/dev/shm", W_OK) == 0)
      base = "/dev/shm";
    auto pattern = (base / "holt-journal-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~journal_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  journal_dir(const journal_dir&) = delete;
  journal_dir& operator=(const journal_dir&) = delete;

  std::string file() const { return (path / "journal.db").string(); }

  journal_options options() const {
    journal_options out;
    out.file = file();
    return out;
  }
};

inline std::unique_ptr<journal_store> open_or_fail(journal_options how) {
  auto got = journal_store::open(std::move(how));
  if (!got)
    CAF_FAIL("the journal does not open: " << got.error().detail);
  return std::move(*got);
}

inline journal_key key(std::string id, std::string src = "a", std::string session = "main") {
  return {std::move(session), std::move(src), std::move(id)};
}

/// The row, which is there.
inline journal_row row_of(journal_store& j, const std::string& id) {
  auto got = j.find(key(id));
  if (!got || !*got)
    CAF_FAIL("the journal has no " << id);
  return **got;
}

/// A result text that holds its position, as the real ones do.
inline std::function<std::string(std::uint64_t)> text_with_rseq(std::string what = "ok") {
  return [what = std::move(what)](std::uint64_t rseq) {
    return "{\"rseq\":" + std::to_string(rseq) + ",\"what\":\"" + what + "\"}";
  };
}

inline std::uint64_t test_seed() {
  auto seed = std::uint64_t{20'261'126};
  if (const auto* text = std::getenv("HOLT_SEED"))
    seed = std::string_view{text} == "random" ? std::uint64_t{std::random_device{}()}
                                              : std::strtoull(text, nullptr, 10);
  std::printf("HOLT_SEED=%llu replays this\n", static_cast<unsigned long long>(seed));
  return seed;
}

} // namespace holt::link::test
