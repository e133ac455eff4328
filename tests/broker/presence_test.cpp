// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE presence

#include "broker/presence.hpp"
#include "tests/broker/broker_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;

namespace {

const std::string room = "realtime:room:1";

json with_presence(const std::string& key) {
  return {{"presence", {{"enabled", true}, {"key", key}}}};
}

} // namespace

CAF_TEST(a meta has our ref and none of its own) {
  CAF_CHECK_EQUAL(broker::meta_of(R"({"a":1,"phx_ref":"x","b":[2]})", "r1", ""),
                  R"({"phx_ref":"r1","a":1,"b":[2]})");
  CAF_CHECK_EQUAL(broker::meta_of("{}", "r2", "r1"), R"({"phx_ref":"r2","phx_ref_prev":"r1"})");
}

CAF_TEST(who joins sees who is there and who is there sees who comes and goes) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, with_presence("ann")));
  CAF_CHECK_EQUAL(a.next().payload, json::object()); // presence_state, empty
  a.push(room, "presence", {{"type", "presence"}, {"event", "track"}, {"payload", {{"n", 1}}}}, "2",
         "1");
  const auto came = a.next();
  CAF_CHECK_EQUAL(came.event, "presence_diff");
  CAF_CHECK(came.join_ref.is_null() && came.ref.is_null());
  CAF_CHECK_EQUAL(came.payload["joins"]["ann"]["metas"][0]["n"], 1);
  const auto ref = came.payload["joins"]["ann"]["metas"][0]["phx_ref"];
  CAF_CHECK_EQUAL(a.next().at("/status"), "ok");

  phoenix_client b{s, s->app_key(), "1.0.0"};
  CAF_REQUIRE(b.joined(room, with_presence("bob")));
  const auto state = b.next();
  CAF_CHECK_EQUAL(state.event, "presence_state");
  CAF_CHECK(state.has_ref);
  CAF_CHECK_EQUAL(state.payload["ann"]["metas"][0]["phx_ref"], ref);

  a.push(room, "presence", {{"event", "TRACK"}, {"payload", {{"n", 1}}}}, "3", "1");
  CAF_CHECK_EQUAL(a.next().event, "phx_reply"); // the same again is nothing new
  a.push(room, "presence", {{"event", "track"}, {"payload", {{"n", 2}}}}, "4", "1");
  const auto again = b.next();
  CAF_CHECK_EQUAL(again.payload["joins"]["ann"]["metas"][0]["n"], 2);
  CAF_CHECK_EQUAL(again.payload["joins"]["ann"]["metas"][0]["phx_ref_prev"], ref);
  CAF_CHECK(again.payload["joins"]["ann"]["metas"][0]["phx_ref"] != ref);
  CAF_CHECK_EQUAL(again.payload["leaves"]["ann"]["metas"][0]["phx_ref"], ref);

  a.hang_up();
  const auto left = b.next();
  CAF_CHECK_EQUAL(left.event, "presence_diff");
  CAF_CHECK_EQUAL(left.payload["joins"], json::object());
  CAF_CHECK_EQUAL(left.payload["leaves"]["ann"]["metas"][0]["n"], 2);
}

CAF_TEST(a member without presence gets diffs and no state) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  CAF_REQUIRE(a.joined(room) && b.joined(room));
  b.push(room, "presence", {{"event", "track"}, {"payload", json::object()}}, "2", "1");
  const auto diff = a.next();
  CAF_CHECK_EQUAL(diff.event, "presence_diff");
  CAF_CHECK_EQUAL(diff.payload["joins"].size(), 1u); // under a key of the server's
  b.push(room, "presence", {{"event", "untrack"}}, "3", "1");
  CAF_CHECK_EQUAL(a.next().at("/leaves").size(), 1u);
}

CAF_TEST(two members of one key are two metas) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  phoenix_client b{s, s->app_key()};
  for (auto* one : {&a, &b}) {
    CAF_REQUIRE(one->joined(room, with_presence("same")));
    one->push(room, "presence", {{"event", "track"}, {"payload", {{"k", 1}}}}, "2", "1");
    CAF_REQUIRE_EQUAL(one->next("phx_reply").ref, "2");
  }
  phoenix_client c{s, s->app_key()};
  CAF_REQUIRE(c.joined(room, with_presence("c")));
  const auto state = c.next();
  CAF_CHECK_EQUAL(state.payload["same"]["metas"].size(), 2u);
  CAF_CHECK(state.payload["same"]["metas"][0]["phx_ref"]
            != state.payload["same"]["metas"][1]["phx_ref"]);
}

CAF_TEST(what cannot be tracked is answered with the reason) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room));
  a.push(room, "presence", {{"event", "track"}, {"payload", "text"}}, "2", "1");
  CAF_CHECK_EQUAL(a.next().at("/response/reason"), "Presence track payload must be a map");
  a.push(room, "presence", {{"event", "dance"}}, "3", "1");
  CAF_CHECK_EQUAL(a.next().at("/status"), "error");
}

CAF_TEST(what is tracked and under which key is bounded) {
  broker_server s;
  phoenix_client a{s, s->app_key()};
  CAF_REQUIRE(a.joined(room, with_presence(std::string(256, 'k'))));
  CAF_CHECK_EQUAL(a.next().event, "presence_state");
  a.push(room, "presence", {{"event", "track"}, {"payload", {{"t", std::string(15'000, 'x')}}}},
         "2", "1");
  const auto diff = a.next();
  CAF_REQUIRE_EQUAL(diff.at("/joins").size(), 1u);
  CAF_CHECK_EQUAL(diff.at("/joins").begin().key().size(), 36u); // a key of the server's
  CAF_CHECK_EQUAL(a.next().at("/status"), "ok");
  a.push(room, "presence", {{"event", "track"}, {"payload", {{"t", std::string(17'000, 'x')}}}},
         "3", "1");
  const auto told = a.next();
  CAF_CHECK_EQUAL(told.event, "system");
  CAF_CHECK_EQUAL(told.at("/message"), "Track message size exceeded");
  CAF_CHECK_EQUAL(a.next().event, "phx_close");
}
