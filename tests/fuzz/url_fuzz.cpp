// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/fuzz.hpp"
#include "transport/url.hpp"

using namespace holt;

FUZZ(url) {
  const auto bytes = fuzz::text(data);
  const auto encoded = url::percent_encode(bytes);
  const auto back = url::percent_decode(encoded);
  fuzz::must(back && *back == bytes, "encoding can be undone");
  for (const bool plus : {false, true})
    if (const auto decoded = url::percent_decode(bytes, plus))
      fuzz::must(decoded->size() <= bytes.size(), "decoding does not grow");
  if (const auto pairs = url::parse_query(bytes))
    fuzz::must(pairs->size() <= bytes.size(), "no more pairs than bytes");
  if (const auto target = url::parse_target(bytes)) {
    fuzz::must(target->path.starts_with('/'), "a path starts with a slash");
    fuzz::must(bytes.starts_with(target->path), "the path stays as it was sent");
  }
  if (const auto where = url::parse_absolute(bytes)) {
    fuzz::must(!where->host.empty() && where->port != 0, "an absolute URL names a place");
    fuzz::must(where->target.starts_with('/'), "and a path there");
    fuzz::must(where->host.find_first_of("/@?#\\ \r\n") == std::string::npos, "a host is a host");
  }
  if (const auto all = url::segments(bytes))
    for (const auto& one : *all) {
      fuzz::must(one != "." && one != "..", "no dot segments");
      fuzz::must(one.find_first_of(std::string_view{"/\\\0", 3}) == std::string::npos,
                 "no separators in a segment");
    }
  url::valid_utf8(bytes);
}
