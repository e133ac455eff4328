// SPDX-License-Identifier: Apache-2.0
#pragma once

// What acts on the desktop and pictures of it may ask for: the readers check it, the API's
// description tells it.

#include <cstddef>

namespace holt::act_limits {

inline constexpr int coordinate = 32'767; ///< largest of an X screen; of windows also below 0
inline constexpr int off_screen
  = 1'000'000'000; ///< larger is no coordinate; below: cut to the screen
inline constexpr int clicks = 10;
inline constexpr int scroll = 1'000; ///< clicks, either way
inline constexpr int delay_ms = 1'000;
inline constexpr int drag_ms = 10'000;
inline constexpr int wait_ms = 10'000;
inline constexpr int effect_ms = 2'000;
inline constexpr int default_effect_ms = 150;
inline constexpr std::size_t acts = 100;
inline constexpr std::size_t path = 1'000; ///< points of a drag

inline constexpr int settle_ms = 5'000;
inline constexpr int settle_limit_ms = 30'000;
inline constexpr int default_settle_limit_ms = 5'000;
inline constexpr int region = 1'000'000; ///< pixels
inline constexpr double min_scale = 0.1;

inline constexpr std::size_t clipboard_body = 24 * 1024 * 1024; ///< 16 MiB as base64, and room
inline constexpr std::size_t clipboard_uris = 1'000;
inline constexpr std::size_t clipboard_uri = 4'096; ///< bytes of one

inline constexpr unsigned min_side = 64; ///< of the screen, pixels
inline constexpr unsigned min_dpi = 48;
inline constexpr unsigned max_dpi = 480;
inline constexpr std::size_t arguments = 1'000; ///< of a launched program
inline constexpr int tree_depth = 64;           ///< of the accessibility tree
inline constexpr int tree_nodes = 10'000;
inline constexpr int tree_matches = 1'000;
inline constexpr int tree_text = 100'000; ///< characters of one node
inline constexpr int tree_patience_ms = 30'000;
inline constexpr int tree_readings = 8;       ///< at once
inline constexpr unsigned recording_fps = 60; ///< at most

} // namespace holt::act_limits
