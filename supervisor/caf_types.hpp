// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the supervisor's messages meet CAF. They never leave the process, so CAF need not
// serialize them. Append only.

#include "supervisor/supervisor_messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::boot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::start_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::stop_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::restart_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::add_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::remove_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::snapshot_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::tree_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::stop_all_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::stop_all_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(holt::supervision::hurry)
