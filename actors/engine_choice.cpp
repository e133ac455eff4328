// SPDX-License-Identifier: Apache-2.0
#include "actors/engine_choice.hpp"

#include "transport/spawner.hpp"

#include <unistd.h>

#include <cctype>
#include <charconv>

namespace holt {

namespace {

constexpr version_number oldest_supported{3, 0, 7};
constexpr version_number recommended{3, 1, 5};

/// A name with a slash is taken as it is, others are looked up.
result<std::string> find_executable(const std::string& name, const std::string& path) {
  auto found = find_program(name, path);
  if (found && access(found->c_str(), X_OK) != 0)
    return error{errc::dependency_missing, "there is no program '" + name + "'"};
  return found;
}

result<engine_choice> builtin(const engine_wish& wish) {
  auto found = find_executable(wish.own_dir + "/holt-stream", wish.path);
  if (!found)
    found = find_executable("holt-stream", wish.path);
  if (!found)
    return error{errc::dependency_missing,
                 "the program holt-stream is neither beside holt nor in PATH; build it with "
                 "scripts/build"};
  return engine_choice{"builtin", *found, HOLT_VERSION, {}};
}

result<engine_choice> neko(const engine_wish& wish, const run_program& run) {
  auto found = find_executable(wish.neko_path.empty() ? "neko" : wish.neko_path, wish.path);
  if (!found)
    return error{errc::dependency_missing,
                 wish.neko_path.empty()
                   ? std::string{"neko is not in PATH; install it, name it with stream.neko.path, "
                                 "or use stream.engine = \"builtin\""}
                   : "stream.neko.path: there is no program '" + wish.neko_path + "'"};
  auto text = run({*found, "--version"});
  auto version = find_version(text ? *text : std::string{});
  engine_choice out{"neko", *found, to_string(version), neko_faults(version)};
  if (version == version_number{}) {
    out.version = "unknown";
    if (!text)
      return error{errc::dependency_missing,
                   "'" + *found + " --version' does not run: " + text.error().detail};
    out.notes.push_back("its version could not be read; 3.0.7 or later is needed");
  } else if (version < oldest_supported) {
    return error{errc::dependency_missing, "neko " + out.version + " is too old; "
                                             + to_string(oldest_supported) + " or later is needed, "
                                             + to_string(recommended) + " is recommended"};
  }
  return out;
}

} // namespace

version_number find_version(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0)
      continue;
    unsigned part[3]{};
    const auto* at = text.data() + i;
    const auto* end = text.data() + text.size();
    int n = 0;
    for (; n < 3; ++n) {
      auto [next, ec] = std::from_chars(at, end, part[n]);
      if (ec != std::errc{})
        break;
      at = next;
      if (n < 2) {
        if (at == end || *at != '.')
          break;
        ++at;
      }
    }
    if (n == 3)
      return {part[0], part[1], part[2]};
    while (i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0)
      ++i;
  }
  return {};
}

std::string to_string(const version_number& version) {
  auto [major, minor, patch] = version;
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

std::vector<std::string> neko_faults(const version_number& version) {
  std::vector<std::string> out;
  if (version == version_number{})
    return out;
  auto [major, minor, patch] = version;
  bool profile_hole = (minor == 0 && patch < 11) || (minor == 1 && patch < 2);
  if (major == 3 && profile_hole)
    out.push_back("any user may make himself administrator through its own port (fixed in 3.0.11 "
                  "and 3.1.2); Holt keeps that port on loopback and never passes it through");
  if (version < recommended)
    out.push_back("older than " + to_string(recommended) + ", the version that was measured");
  return out;
}

result<engine_choice> choose_engine(const engine_wish& wish, const run_program& run) {
  if (wish.engine == "builtin")
    return builtin(wish);
  auto real = neko(wish, run);
  if (real || wish.engine == "neko")
    return real;
  auto own = builtin(wish);
  bool installed
    = find_executable(wish.neko_path.empty() ? "neko" : wish.neko_path, wish.path).has_value();
  if (own && installed)
    own->notes.push_back(real.error().detail);
  return own;
}

} // namespace holt
