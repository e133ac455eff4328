// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of files/ share: a temporary folder with a jail on it, a command in one line, and
// plan + run as the daemon does it. Used by one test process each.

#include "files/file_commands.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <unistd.h>

namespace holt::test {

using nlohmann::json;

struct temp_dir {
  std::filesystem::path path;
  /// In memory, where a sync costs nothing; `on_disk` for what is about the disk.
  explicit temp_dir(bool on_disk = false) {
    auto base = std::filesystem::temp_directory_path();
    if (!on_disk && ::access("/dev/shm", W_OK) == 0)
      base = "/dev/shm";
    std::string name = (base / "holt-test-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~temp_dir() {
    std::error_code ec;
    for (auto& one : std::filesystem::recursive_directory_iterator{path, ec})
      if (one.is_directory(ec) && !one.is_symlink(ec))
        ::chmod(one.path().c_str(), 0700);
    std::filesystem::remove_all(path, ec);
  }
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void spit(const std::filesystem::path& path, std::string_view text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
}

inline unsigned mode_of(const std::filesystem::path& path) {
  struct stat now {};
  return ::lstat(path.c_str(), &now) == 0 ? now.st_mode & 07777u : 0;
}

inline std::vector<std::string> names_of(const std::filesystem::path& folder) {
  std::vector<std::string> out;
  for (auto& one : std::filesystem::directory_iterator{folder})
    out.push_back(one.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

/// HOLT_SEED, or a new one; printed.
inline std::uint64_t seed() {
  const char* given = std::getenv("HOLT_SEED");
  std::uint64_t out = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "HOLT_SEED=" << out << std::endl;
  return out;
}

inline command make_command(json body, bool stream = false) {
  body["id"] = "t";
  if (stream)
    body["stream"] = true;
  auto out = decode_command(body);
  if (!out) {
    std::cerr << "no command: " << out.error().detail << "\n";
    std::abort();
  }
  return *out;
}

struct workspace {
  temp_dir dir;
  std::filesystem::path root = dir.path / "ws";
  std::filesystem::path outside = dir.path / "outside";
  files::file_context context;

  explicit workspace(bool without_openat2 = false, bool on_disk = false) : dir{on_disk} {
    std::filesystem::create_directory(root);
    std::filesystem::create_directory(outside);
    context.jail = *files::path_jail::open({{root}, true, without_openat2});
    context.upload_dir = dir.path / "uploads";
  }

  /// As the daemon does it: what plan says is final when it is an error.
  command_outcome run(json body) const {
    auto what = make_command(std::move(body));
    auto plan = files::plan_file_command(context, what);
    if (!plan)
      return command_outcome::failure(plan.error());
    return files::run_file_command(context, what, *plan);
  }

  std::string operator()(const std::string& name) const { return slurp(root / name); }
};

/// One value of an answer, as a copy.
inline json field(const command_outcome& from, const char* name) {
  return from.fields.value(name, json{});
}

inline std::vector<std::string> paths(const json& array) {
  std::vector<std::string> out;
  for (const auto& one : array)
    out.push_back(one.is_string() ? one.get<std::string>() : one["path"].get<std::string>());
  return out;
}

inline std::vector<std::string> below(const std::filesystem::path& root,
                                      std::vector<std::string> names) {
  for (auto& name : names)
    name = root.string() + "/" + name;
  return names;
}

} // namespace holt::test
