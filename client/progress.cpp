// SPDX-License-Identifier: Apache-2.0
#include "client/progress.hpp"

#include <array>
#include <cstdio>
#include <unistd.h>

namespace holt::client {

namespace {

std::string amount(double bytes) {
  constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t i = 0;
  for (; bytes >= 1024 && i + 1 < units.size(); ++i)
    bytes /= 1024;
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), i == 0 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
  return out.data();
}

} // namespace

progress::progress(std::string what)
  : what_{std::move(what)}, shown_{::isatty(STDERR_FILENO) == 1} {
  for (auto& ch : what_)
    if (static_cast<unsigned char>(ch) < 0x20)
      ch = '?';
  if (what_.size() > 40)
    what_ = "..." + what_.substr(what_.size() - 37);
}

progress::~progress() {
  if (any_)
    std::fputs("\r\x1b[K", stderr);
}

void progress::add(std::uint64_t bytes) {
  bytes_ += bytes;
  const auto now = clock::now();
  if (!shown_ || now - said_ < std::chrono::milliseconds{100})
    return;
  said_ = now;
  any_ = true;
  const std::chrono::duration<double> took = now - began_;
  auto row = what_ + "  " + amount(static_cast<double>(bytes_));
  if (total_ && *total_ > 0)
    row += " of " + amount(static_cast<double>(*total_)) + ", "
           + std::to_string(bytes_ * 100 / *total_) + " %";
  row += "  " + amount(static_cast<double>(bytes_) / took.count()) + "/s";
  std::fprintf(stderr, "\r\x1b[K%s", row.c_str());
  std::fflush(stderr);
}

} // namespace holt::client
