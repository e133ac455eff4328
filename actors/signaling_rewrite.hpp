// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reading and rewriting of signaling messages, for signaling_machine: which addresses were offered,
// what a browser must not see of others. Pure.

#include "actors/signaling_machine.hpp"

namespace holt::signaling {

/// Addresses that are remembered of one offer.
inline constexpr std::size_t max_tried = 16;

/// Members of other types are as good as absent: value() of the library throws for them.
std::string text_of(const nlohmann::json& payload, const char* key);
bool flag_of(const nlohmann::json& payload, const char* key);
/// A text, or a number as text.
std::string id_of(const nlohmann::json& payload, const char* key);

/// `candidate:1 1 udp 2130706431 192.0.2.1 4659 typ host` is remembered as `192.0.2.1:4659/udp`.
void remember_candidate(state& now, std::string_view line);
/// Those of a session description.
void remember_candidates(state& now, std::string_view sdp);

/// An empty server list makes the published client ask a public server: names one of ours.
std::string with_ice_server(const state& now, nlohmann::json message, const std::string& raw);

/// Who else watches is not for every viewer, and a thousand sessions are not for each of them.
std::string without_others(const state& now, nlohmann::json message);

} // namespace holt::signaling
