// SPDX-License-Identifier: Apache-2.0

// Health and metrics.

#include "actors/gateway.hpp"
#include "transport/log.hpp"
#include "transport/metrics.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace holt {

namespace {

using supervision::tree_report;

struct own_usage {
  double resident_bytes = 0;
  double descriptors = 0;
  double threads = 0;
};

own_usage measure_self() {
  own_usage out;
  std::ifstream statm{"/proc/self/statm"};
  double pages = 0;
  if (statm >> pages >> pages)
    out.resident_bytes = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  std::error_code ec;
  for (std::filesystem::directory_iterator i{"/proc/self/fd", ec}, end; !ec && i != end;
       i.increment(ec))
    ++out.descriptors;
  for (std::filesystem::directory_iterator i{"/proc/self/task", ec}, end; !ec && i != end;
       i.increment(ec))
    ++out.threads;
  return out;
}

void add_self(metrics& out, double uptime) {
  auto usage = measure_self();
  out.gauge("holt_uptime_seconds", "Since the daemon started.", uptime);
  out.gauge("process_resident_memory_bytes", "Of the daemon.", usage.resident_bytes);
  out.gauge("process_open_fds", "Of the daemon.", usage.descriptors);
  out.gauge("process_threads", "Of the daemon.", usage.threads);
  out.counter("holt_log_dropped_total", "Log lines that did not fit the queue.",
              static_cast<double>(log::dropped()));
}

void add_http(metrics& out, const http::listener_stats& stats) {
  out.gauge("holt_http_connections", "Open connections.", static_cast<double>(stats.open));
  out.gauge("holt_http_unauthenticated", "Of them, without a credential so far.",
            static_cast<double>(stats.unauthenticated));
  out.gauge("holt_http_websockets", "Of them, WebSockets.", static_cast<double>(stats.websockets));
  out.counter("holt_http_refused_total", "Connections over a limit.",
              static_cast<double>(stats.refused));
  for (const auto& [status, count] : stats.requests)
    out.counter("holt_http_requests_total", "Answers by status.", static_cast<double>(count),
                {{"status", std::to_string(status)}});
}

void add_tree(metrics& out, const tree_report& tree) {
  double viewers = 0;
  for (const auto& node : tree.nodes)
    viewers += node.parent == "viewers" ? 1 : 0;
  out.gauge("holt_viewers", "Browsers with a signaling connection.", viewers);
  auto each = [&](auto write) {
    for (const auto& node : tree.nodes)
      if (node.kind != child_kind::group && node.restart != restart_policy::temporary)
        write(node);
  };
  each([&](const auto& node) {
    out.gauge("holt_child_ready", "1 while the child is ready.",
              node.state == child_state::ready ? 1 : 0, {{"id", node.id}});
  });
  each([&](const auto& node) {
    out.counter("holt_child_restarts_total", "Unexpected ends of the child.",
                static_cast<double>(node.restarts), {{"id", node.id}});
  });
  out.counter("holt_supervision_stale_total", "Late events that were dropped.",
              static_cast<double>(tree.stale));
}

} // namespace

void gateway::add_health_routes() {
  // Without a credential it only says that the daemon serves; a wrong one is refused.
  open_route("GET", "/v1/health", [this](const gateway_call& call) {
    auto who = identify(call.request, false);
    bool tried = !call.request.header_value("authorization").empty()
                 || call.request.query_value("access_token").has_value();
    if (!who && tried)
      return call.answer(http::problem(who.error()));
    if (!who)
      return call.answer(http::json_response(200, {{"status", "ok"}}));
    deps_.tree->snapshot(
      [this, self = shared_from_this(), answer = call.answer](const result<tree_report>& tree) {
        nlohmann::json body{{"status", "ok"}, {"version", HOLT_VERSION}, {"engine", nullptr}};
        if (!deps_.engine.name.empty()) {
          body["engine"] = deps_.engine.name;
          body["engineVersion"] = deps_.engine.version;
          body["engineNotes"] = deps_.engine.notes;
        }
        body["degraded"] = tree ? tree->degraded : std::vector<child_id>{};
        body["ready"] = tree && tree->ready;
        body["uptimeMs"] = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::steady_clock::now() - started_)
                             .count();
        body["kernel"] = deps_.kernel;
        answer(http::json_response(200, body));
      });
  });
  get("/metrics", http::scope::view, [this](const gateway_call& call) {
    deps_.tree->snapshot([this, self = shared_from_this(),
                          answer = call.answer](const result<tree_report>& tree) {
      metrics out;
      add_self(out,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
      if (deps_.listener_stats)
        add_http(out, deps_.listener_stats());
      if (deps_.strangers_reaped)
        out.counter("holt_orphans_reaped_total", "Processes that nobody else waited for.",
                    static_cast<double>(deps_.strangers_reaped()));
      if (tree)
        add_tree(out, *tree);
      http::response response;
      response.headers.push_back({"Content-Type", "text/plain; version=0.0.4"});
      response.body = std::make_shared<const std::string>(out.text());
      answer(std::move(response));
    });
  });
}

} // namespace holt
