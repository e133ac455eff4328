// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE supervision_values

#include "messages/supervision.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <nlohmann/json.hpp>

using namespace holt;
using namespace std::chrono;

CAF_TEST(the tree nests nodes below their parents and strays below the root) {
  std::vector<child_snapshot> nodes(4);
  nodes[0].id = "holt";
  nodes[1].id = "desktop";
  nodes[1].parent = "holt";
  nodes[2].id = "x_server";
  nodes[2].parent = "desktop";
  nodes[3].id = "stray";
  nodes[3].parent = "nobody";
  auto tree = tree_to_json(nodes);
  CAF_CHECK_EQUAL(tree["id"], "holt");
  CAF_CHECK_EQUAL(tree["children"].size(), 2u);
  CAF_CHECK_EQUAL(tree["children"][0]["children"][0]["id"], "x_server");
  CAF_CHECK_EQUAL(tree["children"][1]["id"], "stray");
}

CAF_TEST(a death record names its cause) {
  death_record death;
  death.cause = death_cause::signal;
  death.code = 9;
  death.last_lines = {"out of luck"};
  nlohmann::json j = death;
  CAF_CHECK_EQUAL(j["cause"], "signal");
  CAF_CHECK_EQUAL(j["code"], 9);
  CAF_CHECK_EQUAL(j["lastLines"][0], "out of luck");
}

CAF_TEST(a tally says how often a child died of what) {
  CAF_CHECK_EQUAL(short_cause(death_cause::signal, 11), "signal 11");
  CAF_CHECK_EQUAL(short_cause(death_cause::exit, 1), "exit 1");
  CAF_CHECK_EQUAL(short_cause(death_cause::probe, 9), "probe");
  child_snapshot node;
  nlohmann::json none = node;
  CAF_CHECK(!none.contains("deathTally"));
  node.tally.deaths = 3;
  node.tally.unexpected = 2;
  node.tally.by_cause = {{"exit 0", 1}, {"signal 9", 2}};
  nlohmann::json j = node;
  CAF_CHECK_EQUAL(j["deathTally"]["deaths"], 3);
  CAF_CHECK_EQUAL(j["deathTally"]["unexpected"], 2);
  CAF_CHECK_EQUAL(j["deathTally"]["causes"]["signal 9"], 2);
  death_record death;
  nlohmann::json without = death;
  CAF_CHECK(!without.contains("peakRssBytes"));
  death.peak_rss_bytes = 5'000'000'000;
  nlohmann::json with = death;
  CAF_CHECK(with["peakRssBytes"] == 5'000'000'000);
}
