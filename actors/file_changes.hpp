// SPDX-License-Identifier: Apache-2.0
#pragma once

// A change of a file as every watcher is told of it. Pure.

#include "files/watch.hpp"

#include <nlohmann/json.hpp>

namespace holt {

/// `{kind, path, entryType, from?}`.
nlohmann::json change_document(const files::file_change& what);

} // namespace holt
