// SPDX-License-Identifier: Apache-2.0
#include "link/resume_walk.hpp"

namespace holt::link {

resume_walk::resume_walk(std::string src, std::uint64_t after, limits how)
  : src_(std::move(src)), after_(after), limits_(how) {}

std::vector<shared_text> resume_walk::rows(const std::vector<journal_row>& page, wall_ms now) {
  std::vector<shared_text> out;
  for (const auto& row : page) {
    if (!row.done || row.rseq <= after_)
      continue;
    after_ = row.rseq;
    out.push_back(dup_of(row.result));
  }
  sent_ += out.size();
  finished_ = page.size() < limits_.page || out.empty();
  next_at_ = now + limits_.pause;
  return out;
}

} // namespace holt::link
