// SPDX-License-Identifier: Apache-2.0
#include "actors/router.hpp"

#include <algorithm>

namespace holt {

namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1); // the slash
    auto end = path.find('/');
    out.emplace_back(path.substr(0, end));
    path = end == path.npos ? std::string_view{} : path.substr(end);
  }
  return out;
}

bool is_param(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return pattern.size() == path.size()
         && std::equal(pattern.begin(), pattern.end(), path.begin(),
                       [](const auto& want, const auto& got) {
                         return is_param(want) ? !got.empty() : want == got;
                       });
}

} // namespace

void router::add(std::string_view method, std::string_view pattern, route_kind kind) {
  auto segments = split(pattern);
  const auto params = std::count_if(segments.begin(), segments.end(), is_param);
  routes_.push_back(
    {std::string{method}, std::move(segments), static_cast<std::size_t>(params), kind});
}

router::found router::find(const http::request& head) const {
  found out;
  auto path = head.segments();
  if (!path) {
    out.miss.code = errc::invalid_request;
    return out;
  }
  auto method = head.method == "HEAD" ? std::string{"GET"} : head.method;
  // A path that is a route's own is no other route's, whatever the method.
  auto fewest = ~std::size_t{0};
  for (const auto& one : routes_)
    if (one.params < fewest && fits(one.segments, *path))
      fewest = one.params;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const auto& one = routes_[i];
    if (one.params != fewest || !fits(one.segments, *path))
      continue;
    if (one.method == method) {
      out.ok = true;
      out.match.index = i;
      for (std::size_t k = 0; k < one.segments.size(); ++k)
        if (is_param(one.segments[k]))
          out.match.params.emplace(one.segments[k].substr(1, one.segments[k].size() - 2),
                                   (*path)[k]);
      return out;
    }
    out.miss.code = errc::method_not_allowed;
    out.miss.allow += (out.miss.allow.empty() ? "" : ", ") + one.method;
  }
  return out;
}

} // namespace holt
