// SPDX-License-Identifier: Apache-2.0
#pragma once

// The verbs over the API, one function each, one file each (verb_<name>.cpp). Each answers the exit
// code (docs/names.md) and says on stderr what went wrong, in one line.

namespace holt {

struct command_line;

int verb_screenshot(const command_line& line);
int verb_click(const command_line& line);
int verb_type(const command_line& line);
int verb_press(const command_line& line);
int verb_windows(const command_line& line);
int verb_tree(const command_line& line);
int verb_clipboard_get(const command_line& line);
int verb_clipboard_set(const command_line& line);
int verb_exec(const command_line& line);
int verb_ps(const command_line& line);
int verb_logs(const command_line& line);
int verb_attach(const command_line& line);
int verb_cp(const command_line& line);
int verb_cat(const command_line& line);
int verb_ls(const command_line& line);
int verb_record_start(const command_line& line);
int verb_record_stop(const command_line& line);
int verb_record_list(const command_line& line);
int verb_record_get(const command_line& line);
int verb_record_delete(const command_line& line);

} // namespace holt
