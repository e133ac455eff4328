// SPDX-License-Identifier: Apache-2.0

// fuzz_replay NAME FOLDER: runs one target on each file of its corpus, and on each file cut in
// the middle. Exit 1 when there is no such target or no file; a broken promise aborts.

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

std::map<std::string, fuzz::target>& table() {
  static std::map<std::string, fuzz::target> all;
  return all;
}

} // namespace

fuzz::entry::entry(const char* name, target what) {
  table()[name] = what;
}

int main(int argc, char** argv) {
  if (argc != 3 || !table().contains(argv[1])) {
    std::cerr << "usage: fuzz_replay NAME FOLDER; names:";
    for (const auto& [name, what] : table())
      std::cerr << ' ' << name;
    std::cerr << '\n';
    return 1;
  }
  const auto target = table().at(argv[1]);
  std::error_code ec;
  std::vector<std::filesystem::path> files;
  for (const auto& one : std::filesystem::directory_iterator{argv[2], ec})
    if (one.is_regular_file())
      files.push_back(one.path());
  std::sort(files.begin(), files.end());
  target({});
  for (const auto& path : files) {
    std::cout << path.filename().string() << std::endl; // flushed: the next line may be an abort
    std::ifstream in{path, std::ios::binary};
    // On the heap to the byte: the address sanitizer sees the end.
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>{in}, {}};
    target(bytes);
    const std::vector<std::uint8_t> half(
      bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2));
    target(half);
  }
  std::cout << files.size() << " files\n";
  return files.empty() ? 1 : 0;
}
