// SPDX-License-Identifier: Apache-2.0

// holt.toml: a person's file, never a crash and always a place in the error.

#include "app/config.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <unistd.h>

FUZZ(config) {
  const int fd = memfd_create("holt.toml", MFD_CLOEXEC);
  fuzz::must(fd >= 0 && write(fd, data.data(), data.size()) == static_cast<ssize_t>(data.size()),
             "the test can write its file");
  const auto path = "/proc/self/fd/" + std::to_string(fd);
  const auto got = holt::load_config(path, {}, [](const char*) -> const char* { return nullptr; });
  close(fd);
  if (!got) {
    fuzz::must(got.error().code == holt::errc::config, "the error is about the configuration");
    fuzz::must(!got.error().detail.empty(), "and has words");
    return;
  }
  holt::check_config(got->values).has_value();
  holt::print_config(*got);
}
