// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether an answer fits one message of a link, and what to do when it does not
// (docs/protocol-sbx1.md, section 7). Pure.

#include "messages/command.hpp"

#include <optional>

namespace holt {

/// Whether a link carries this message: its bytes, and what the hosted Realtime makes of them,
/// which may be more. On every link the same measure.
bool fits_link(std::string_view message, std::size_t most);

/// Whether text goes out as text: base64 is shorter for what is full of control characters.
bool goes_as_text(std::string_view bytes) noexcept;

/// What must go out in pieces.
struct large_answer {
  std::string name;     ///< content, or `fields`: the whole answer as JSON
  std::string bytes;    ///< taken out of the outcome
  std::size_t size = 0; ///< bytes of it, for people
};

/// Nothing when the result message fits `most` bytes. Leaves the outcome as it is but for what it
/// takes out.
std::optional<large_answer> too_large_for(std::string_view id, command_outcome& outcome,
                                          std::size_t most);

/// Of these the answer is cut, not refused.
bool is_output_of_shell(command_kind kind) noexcept;

/// Cuts stdout and stderr to head and tail, until the message fits; `truncated` and the honest
/// totals say so.
void cut_output(std::string_view id, command_outcome& outcome, std::size_t most);

/// What an item of a batch says about what it did stays; what it found goes.
void drop_contents(nlohmann::json& item);

/// Of a batch: the outcome of each item stays; contents and outputs go, from the back, until the
/// message fits. False: it does not even so.
bool cut_batch(std::string_view id, command_outcome& outcome, std::size_t most);

/// The piece from `off` on: at most `most` bytes, cut where a character ends.
std::string_view next_piece(std::string_view all, std::size_t off, std::size_t most) noexcept;
std::size_t count_pieces(std::string_view all, std::size_t most) noexcept;

} // namespace holt
