// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE documents

// What the daemon writes for others to read: problem documents and metrics.

#include "transport/http_types.hpp"
#include "transport/metrics.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <nlohmann/json.hpp>

using namespace holt;
using nlohmann::json;

namespace {

std::string value(const http::response& from, std::string_view name) {
  for (const auto& h : from.headers)
    if (h.name == name)
      return h.value;
  return {};
}

} // namespace

CAF_TEST(a problem document is as written down) {
  auto got = http::problem({errc::control_held, "Ann has taken control"});
  CAF_CHECK_EQUAL(got.status, 409u);
  CAF_CHECK_EQUAL(value(got, "Content-Type"), "application/problem+json");
  CAF_CHECK_EQUAL(*got.body, R"({"code":"control_held","detail":"Ann has taken control",)"
                             R"("status":409,"title":"Control Held",)"
                             R"("type":"urn:holt:error:control_held"})");
}

CAF_TEST(codes that clients know keep their own names) {
  for (auto code : {errc::token_invalid, errc::not_found, errc::conflict, errc::invalid_request,
                    errc::desktop_runtime_inactive}) {
    auto body = json::parse(*http::problem({code, {}}).body);
    CAF_CHECK_EQUAL(body["type"], "urn:sandbox-agent:error:" + std::string{info(code).word});
  }
}

CAF_TEST(every error has a whole problem document) {
  for (std::size_t i = 1; i < errc_count; ++i) {
    auto code = static_cast<errc>(i);
    auto got = http::problem({code, {}});
    auto body = json::parse(*got.body);
    CAF_CHECK(got.status >= 400 && got.status <= 599);
    CAF_CHECK_EQUAL(body["status"], got.status);
    CAF_CHECK_EQUAL(body["code"], info(code).word);
    CAF_CHECK_EQUAL(body["detail"], info(code).sentence);
    CAF_CHECK(!body["title"].get<std::string>().empty());
    CAF_CHECK_EQUAL(value(got, "WWW-Authenticate"), got.status == 401 ? "Bearer" : "");
  }
}

CAF_TEST(further members join a problem and bad bytes are replaced) {
  auto got = http::problem({errc::not_found, "no \xff\xfe here"}, {{"details", {{"id", "7"}}}});
  auto body = json::parse(*got.body);
  CAF_CHECK_EQUAL(body["details"]["id"], "7");
  CAF_CHECK_EQUAL(body["detail"], "no \xef\xbf\xbd\xef\xbf\xbd here");
  CAF_CHECK(json::parse(*http::problem({errc::io, {}}, json::array({1})).body).is_object());
}

CAF_TEST(metrics are a Prometheus text) {
  metrics out;
  out.counter("holt_requests_total", "Answers.", 3, {{"status", "200"}});
  out.counter("holt_requests_total", "Answers.", 1, {{"status", "404"}, {"path", "a\"b\\c\nd"}});
  out.gauge("holt_cpu_seconds", "Time.", 0.25);
  out.gauge("holt_bytes", "Size.", 123456789012.0);
  CAF_CHECK_EQUAL(out.text(), "# HELP holt_requests_total Answers.\n"
                              "# TYPE holt_requests_total counter\n"
                              "holt_requests_total{status=\"200\"} 3\n"
                              "holt_requests_total{status=\"404\",path=\"a\\\"b\\\\c\\nd\"} 1\n"
                              "# HELP holt_cpu_seconds Time.\n"
                              "# TYPE holt_cpu_seconds gauge\n"
                              "holt_cpu_seconds 0.25\n"
                              "# HELP holt_bytes Size.\n"
                              "# TYPE holt_bytes gauge\n"
                              "holt_bytes 123456789012\n");
}
