// SPDX-License-Identifier: Apache-2.0

#include "shell/log_document.hpp"

#include "shell/process_bounds.hpp"
#include "shell/process_fields.hpp"

#include <algorithm>

namespace holt::shell {

result<log_query> decode_log_query(const http::request& request) {
  log_query out;
  out.max_bytes = SIZE_MAX;
  if (const auto name = request.query_value("stream"); name && *name != "combined") {
    out.stream = output_stream_from(*name);
    if (!out.stream)
      return error{errc::invalid_request, "stream must be one of: stdout, stderr, combined, pty"};
  }
  // A browser's EventSource that comes back says where it was by a header.
  const auto last = request.header_value("last-event-id");
  auto from = request.query_value("since");
  if (!from && !last.empty())
    from = last;
  const auto since = query_number(from, "since", 0, ~0ull);
  if (!since)
    return since.error();
  out.since = *since;
  if (const auto text = request.query_value("tail")) {
    const auto tail = query_number(text, "tail", 0, bounds::tail);
    if (!tail)
      return tail.error();
    out.tail = static_cast<std::size_t>(*tail);
  }
  if (const auto text = request.query_value("offset")) {
    const auto offset = query_number(text, "offset", 0, ~0ull);
    if (!offset)
      return offset.error();
    if (!out.stream)
      return error{errc::invalid_request, "offset needs one stream: stdout, stderr or pty"};
    out.offset = *offset;
  }
  return out;
}

void append_entry(std::string& to, const log_entry& what) {
  to.append(R"({"sequence":)").append(std::to_string(what.sequence));
  to.append(R"(,"stream":")").append(to_string(what.stream));
  to.append(R"(","timestampMs":)").append(std::to_string(what.timestamp_ms));
  to.append(R"(,"offset":)").append(std::to_string(what.offset));
  to.append(R"(,"data":")").append(to_base64(what.bytes)).append(R"(","encoding":"base64"})");
}

void append_lost(std::string& to, const lost_output& what) {
  to.append(R"({"throughSequence":)").append(std::to_string(what.sequence));
  if (what.bytes > 0)
    to.append(R"(,"bytes":)").append(std::to_string(what.bytes));
  to += '}';
}

std::string log_document(live_process& process, const log_query& what) {
  const auto page = process.log().read(what);
  std::size_t bytes = 256;
  for (const auto& entry : page.entries)
    bytes += entry.bytes.size() * 4 / 3 + 160;
  std::string out;
  out.reserve(bytes);
  out.append(R"({"processId":")").append(process.id());
  out.append(R"(","stream":")").append(what.stream ? to_string(*what.stream) : "combined");
  out.append(R"(","entries":[)");
  for (const auto& entry : page.entries) {
    if (out.back() != '[')
      out += ',';
    append_entry(out, entry);
  }
  out += ']';
  if (page.lost.sequence > 0)
    append_lost(out.append(R"(,"lost":)"), page.lost);
  out += '}';
  return out;
}

} // namespace holt::shell
