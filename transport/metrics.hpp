// SPDX-License-Identifier: Apache-2.0
#pragma once

// Builds a Prometheus text document. A plain value; no registry, no thread.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holt {

class metrics {
public:
  using labels = std::vector<std::pair<std::string_view, std::string>>;

  void counter(std::string_view name, std::string_view help, double value, const labels& with = {});
  void gauge(std::string_view name, std::string_view help, double value, const labels& with = {});
  std::string text() const { return text_; }

private:
  void add(std::string_view type, std::string_view name, std::string_view help, double value,
           const labels& with);
  std::string text_;
  std::string last_; ///< name whose head was written last
};

} // namespace holt
