// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE router

#include "actors/desktop_files.hpp"
#include "actors/router.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;

namespace {

struct fixture {
  router all;

  fixture() {
    all.add("GET", "/v1/health", route_kind::http);
    all.add("GET", "/v1/things/{id}", route_kind::http);
    all.add("DELETE", "/v1/things/{id}", route_kind::http);
    all.add("POST", "/v1/things/{id}/start", route_kind::http);
    all.add("GET", "/v1/feed", route_kind::websocket);
  }
  std::string find(const std::string& method, const std::string& path) const {
    http::request head;
    head.method = method;
    head.path = path;
    auto found = all.find(head);
    if (!found.ok)
      return std::string{info(found.miss.code).word}
             + (found.miss.allow.empty() ? "" : ": " + found.miss.allow);
    auto out = std::to_string(found.match.index);
    for (const auto& [name, value] : found.match.params)
      out += " " + name + "=" + value;
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(router_tests, fixture)

CAF_TEST(a path finds its route and names its parts) {
  CAF_CHECK_EQUAL(find("GET", "/v1/health"), "0");
  CAF_CHECK_EQUAL(find("HEAD", "/v1/health"), "0");
  CAF_CHECK_EQUAL(find("GET", "/v1/things/a%20b"), "1 id=a b");
  CAF_CHECK_EQUAL(find("DELETE", "/v1/things/7"), "2 id=7");
  CAF_CHECK_EQUAL(find("POST", "/v1/things/7/start"), "3 id=7");
  CAF_CHECK_EQUAL(find("GET", "/v1/feed"), "4");
}

CAF_TEST(another method names those that exist) {
  CAF_CHECK_EQUAL(find("POST", "/v1/health"), "method_not_allowed: GET");
  CAF_CHECK_EQUAL(find("PUT", "/v1/things/7"), "method_not_allowed: GET, DELETE");
  CAF_CHECK_EQUAL(find("get", "/v1/health"), "method_not_allowed: GET");
}

CAF_TEST(a path of its own is no thing of that name) {
  all.add("POST", "/v1/things/config", route_kind::http);
  all.add("GET", "/v1/things/config", route_kind::http);
  CAF_CHECK_EQUAL(find("POST", "/v1/things/config"), "5");
  CAF_CHECK_EQUAL(find("HEAD", "/v1/things/config"), "6");
  CAF_CHECK_EQUAL(find("DELETE", "/v1/things/config"), "method_not_allowed: POST, GET");
  CAF_CHECK_EQUAL(find("DELETE", "/v1/things/configs"), "2 id=configs");
}

CAF_TEST(what is near a route is no route) {
  for (const auto* path : {"/", "/v1", "/v1/health/", "/v1/healthy", "/v1//health", "/V1/health",
                           "/v1/things/", "/v1/things/7/", "/v1/things/7/start/8", "//v1/health"})
    CAF_CHECK_EQUAL(find("GET", path), "not_found");
}

CAF_TEST(a path that hides something is refused) {
  for (const auto* path : {"/v1/things/%2e%2e", "/v1/things/a%2fb", "/v1/things/%00",
                           "/v1/things/%zz", "/v1/../health", "/v1/things/%5c"})
    CAF_CHECK_EQUAL(find("GET", path), "invalid_request");
}

CAF_TEST(a literal brace in a path is no parameter) {
  CAF_CHECK_EQUAL(find("GET", "/v1/%7Bid%7D"), "not_found");
  CAF_CHECK_EQUAL(find("GET", "/v1/things/%7Bid%7D"), "1 id={id}");
}

CAF_TEST(labels and commands are escaped for the window manager) {
  auto menu = openbox_menu({{"t", "A & B <\"x\">", "sh -c 'a < b && c'", "icon"}});
  CAF_CHECK(menu.find("label=\"A &amp; B &lt;&quot;x&quot;&gt;\"") != std::string::npos);
  CAF_CHECK(menu.find("<command>sh -c 'a &lt; b &amp;&amp; c'</command>") != std::string::npos);
  CAF_CHECK(openbox_config("/tmp/a&b.xml").find("<file>/tmp/a&amp;b.xml</file>")
            != std::string::npos);
}

CAF_TEST(a browser gets its own sandbox off only where it cannot have one) {
  CAF_CHECK(browser_script("/usr/bin/chromium", "/p", false).find("--no-sandbox")
            != std::string::npos);
  CAF_CHECK(browser_script("/usr/bin/chromium", "/p", true).find("--no-sandbox")
            == std::string::npos);
  auto firefox = browser_script("/usr/bin/firefox-esr", "/p", false);
  CAF_CHECK_EQUAL(firefox,
                  "#!/bin/sh\nexec /usr/bin/firefox-esr --no-remote --profile '/p' \"$@\"\n");
}

CAF_TEST(only programs that are there stand in the menu) {
  CAF_CHECK(installed_apps("/nonexistent", "/run/holt").empty());
}

CAF_TEST_FIXTURE_SCOPE_END()
