// SPDX-License-Identifier: Apache-2.0

#include "transport/spawner_stdio.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace holt::detail {
namespace {

/// Moves a child's end to a number that nothing of the child is put onto.
bool lift(int& fd, int above) {
  if (fd >= above)
    return true;
  const int higher = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
  ::close(fd);
  fd = higher;
  return fd >= 0;
}

bool make_nonblocking(int fd) {
  return ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

bool open_null(int& child) {
  child = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  return child >= 0;
}

bool open_pipe(int& reader, int& writer, const int& ours) {
  std::array<int, 2> pipe{-1, -1};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return false;
  reader = pipe[0];
  writer = pipe[1];
  return make_nonblocking(ours);
}

bool open_terminal(const stdio_wish& wish, stdio_ends& into) {
  into.output = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (into.output < 0 || ::grantpt(into.output) != 0 || ::unlockpt(into.output) != 0)
    return false;
  const winsize size{wish.rows, wish.columns, 0, 0};
  // Not by name: another mount namespace may have another /dev/pts.
  into.child[0] = ::ioctl(into.output, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (into.child[0] < 0 || ::ioctl(into.output, TIOCSWINSZ, &size) != 0)
    return false;
  if (wish.owner && ::fchown(into.child[0], wish.owner->uid, wish.owner->gid) != 0)
    return false;
  into.input = ::fcntl(into.output, F_DUPFD_CLOEXEC, 3);
  return into.input >= 0 && make_nonblocking(into.output);
}

} // namespace

stdio_ends::~stdio_ends() {
  for (const int fd : {output, errors, input})
    if (fd >= 0)
      ::close(fd);
  for (std::size_t i = 0; i < child.size(); ++i)
    if (child[i] >= 0 && (i == 0 || child[i] != child[i - 1]))
      ::close(child[i]);
}

int open_stdio(const stdio_wish& wish, stdio_ends& into) {
  auto& child = into.child;
  bool good = false;
  switch (wish.layout) {
  case stdio_layout::merged:
    good = open_null(child[0]) && open_pipe(into.output, child[1], into.output)
           && lift(child[0], wish.above) && lift(child[1], wish.above);
    child[2] = child[1];
    break;
  case stdio_layout::separate:
    good = (wish.input ? open_pipe(child[0], into.input, into.input) : open_null(child[0]))
           && open_pipe(into.output, child[1], into.output)
           && open_pipe(into.errors, child[2], into.errors) && lift(child[0], wish.above)
           && lift(child[1], wish.above) && lift(child[2], wish.above);
    break;
  case stdio_layout::terminal:
    good = open_terminal(wish, into) && lift(child[0], wish.above);
    child[1] = child[2] = child[0];
    break;
  }
  const int number = errno;
  // Ours must not be 0, 1 or 2 either: a daemon started with these closed.
  for (int* fd : {&into.output, &into.errors, &into.input})
    if (good && *fd >= 0)
      good = lift(*fd, 3);
  return good ? 0 : number == 0 ? EMFILE : number;
}

} // namespace holt::detail
