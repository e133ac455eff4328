// SPDX-License-Identifier: Apache-2.0
#pragma once

// holt token: what is typed, and the verbs.

#include <string>

namespace holt {

struct command_line;

struct token_options {
  std::string scopes;  ///< words with commas between
  std::string expires; ///< as 24h; empty: never
  std::string name;    ///< revoke: or its id
};

/// Of this process: the command line is read once.
token_options& token_wish();

int verb_token_create(const command_line& line);
int verb_token_list(const command_line& line);
int verb_token_revoke(const command_line& line);

} // namespace holt
