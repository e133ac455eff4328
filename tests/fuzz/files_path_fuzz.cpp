// SPDX-License-Identifier: Apache-2.0

// A path of a command, resolved by the kernel and by our own walk: both must say the same, and what
// they open must lie below the root.

#include "files/path_jail.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/stat.h>

#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

using namespace holt;

namespace {

/// A small tree with links of every kind; made once, the input never changes it.
struct tree {
  std::filesystem::path base;
  std::shared_ptr<const files::path_jail> kernel;
  std::shared_ptr<const files::path_jail> own;

  tree() {
    std::string name = (std::filesystem::temp_directory_path() / "holt-fuzz-XXXXXX").string();
    base = ::mkdtemp(name.data());
    base = std::filesystem::canonical(base);
    const auto root = base / "ws";
    std::filesystem::create_directories(root / "d/e");
    std::filesystem::create_directory(base / "out");
    std::filesystem::create_symlink("d", root / "l");
    std::filesystem::create_symlink("..", root / "d/u");
    std::filesystem::create_symlink("../out", root / "o");
    std::filesystem::create_symlink(root / "d", root / "a");
    std::filesystem::create_symlink("/", root / "s");
    std::filesystem::create_symlink("x", root / "x");
    ::close(::open((root / "f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    kernel = *files::path_jail::open({{root}, true, false});
    own = *files::path_jail::open({{root}, true, true});
  }
  ~tree() {
    std::error_code ec;
    std::filesystem::remove_all(base, ec);
  }
};

std::string real_name(int fd) {
  const auto link = "/proc/self/fd/" + std::to_string(fd);
  std::string out(PATH_MAX, '\0');
  const auto size = ::readlink(link.c_str(), out.data(), out.size());
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return out;
}

} // namespace

FUZZ(files_path) {
  static const tree world;
  const auto where = world.kernel->locate(fuzz::text(data));
  const auto again = world.own->locate(fuzz::text(data));
  fuzz::must(where.has_value() == again.has_value(), "places do not depend on the kernel");
  if (!where)
    return;
  fuzz::must(!where->below.empty() && where->below.front() != '/', "it is below its root");
  for (int flags : {O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY | O_DIRECTORY}) {
    const auto one = world.kernel->open_at(*where, flags);
    const auto two = world.own->open_at(*where, flags);
    fuzz::must(one.has_value() == two.has_value(), "the walk opens what the kernel opens");
    if (!one) {
      fuzz::must(one.error().code == two.error().code, "the walk refuses as the kernel does");
      continue;
    }
    const auto name = real_name(one->get());
    fuzz::must(name == real_name(two->get()), "both are the same thing");
    fuzz::must((name + "/").starts_with(world.kernel->roots()[0] + "/"), "nothing is outside");
  }
  for (bool follow : {false, true}) {
    const auto one = follow ? world.kernel->open_target(*where, false)
                            : world.kernel->open_parent(*where, false);
    const auto two
      = follow ? world.own->open_target(*where, false) : world.own->open_parent(*where, false);
    fuzz::must(one.has_value() == two.has_value(), "so with what holds it");
    if (!one)
      continue;
    fuzz::must(one->name == two->name
                 && real_name(one->folder.get()) == real_name(two->folder.get()),
               "both are the same place");
    fuzz::must(one->name != "." && one->name != ".." && one->name.find('/') == std::string::npos,
               "a name is one component");
    fuzz::must((real_name(one->folder.get()) + "/").starts_with(world.kernel->roots()[0] + "/"),
               "no folder is outside");
  }
}
