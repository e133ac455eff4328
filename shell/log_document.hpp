// SPDX-License-Identifier: Apache-2.0
#pragma once

// A process's log as the contract shows it: one JSON document, or one server-sent event. Pure; the
// text is put together by hand, since base64 needs no escaping and ten megabytes of it are common.

#include "shell/live_process.hpp"
#include "transport/http_types.hpp"

#include <string>

namespace holt::shell {

/// `stream`, `tail`, `since`, `offset` of a query; `follow` is the caller's. invalid_request names
/// the parameter.
result<log_query> decode_log_query(const http::request& request);

/// `{processId, stream, entries[], lost?}`.
std::string log_document(live_process& process, const log_query& what);

/// `{"sequence":…,"stream":…,"timestampMs":…,"offset":…,"data":…,"encoding":"base64"}`.
void append_entry(std::string& to, const log_entry& what);

/// `{"throughSequence":…,"bytes":…}`; bytes only where they are known.
void append_lost(std::string& to, const lost_output& what);

} // namespace holt::shell
