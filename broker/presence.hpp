// SPDX-License-Identifier: Apache-2.0
#pragma once

// Presence as text: metas with their unique `phx_ref`, the state that a joining member gets and the
// diffs that all get. Pure; what people track is never taken apart further than its member names.

#include "broker/keys.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holt::broker {

/// What one member of a channel says of itself.
struct tracked {
  side from = side::unknown;
  std::string key;
  std::string ref;     ///< unique in this broker
  std::string payload; ///< JSON object as tracked
  std::string meta;    ///< it with phx_ref
};

/// `payload` (an object) with our phx_ref and without one of its own. `previous` may be empty.
std::string meta_of(std::string_view payload, std::string_view ref, std::string_view previous);

/// `{key:{"metas":[…]}}`, in order.
std::string presence_of(const std::vector<const tracked*>& all);

/// `{"joins":…,"leaves":…}`; null: none.
std::string presence_diff(const tracked* joins, const tracked* leaves);

/// A new phx_ref.
std::string new_ref();
/// A random UUID (version 4).
std::string new_uuid();

} // namespace holt::broker
