// SPDX-License-Identifier: Apache-2.0
#pragma once

// libarchive's errors as ours. Private to files/.

#include "files/path_jail.hpp"
#include "transport/archive_owner.hpp"

namespace holt::files {

inline error archive_error(archive* what, errc code) {
  const auto* text = archive_error_string(what);
  return {code, std::string{"archive: "} + printable(text != nullptr ? text : "unreadable")};
}

} // namespace holt::files
