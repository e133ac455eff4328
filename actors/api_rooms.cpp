// SPDX-License-Identifier: Apache-2.0

// The rooms of the API's description, in the order in which the document shows them.

#include "actors/api_notes.hpp"

namespace holt::api {

const notes& all_notes() {
  static const notes all = [] {
    notes out;
    describe_daemon(out);
    describe_desktop(out);
    describe_control(out);
    describe_input(out);
    describe_windows(out);
    describe_accessibility(out);
    describe_recordings(out);
    describe_processes(out);
    describe_files(out);
    describe_link(out);
    return out;
  }();
  return all;
}

} // namespace holt::api
