// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE room

#include "tests/stream/room_fixture.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace std::chrono_literals;
using holt::test::json;
using holt::test::room_fixture;
using names = std::vector<std::string>;

CAF_TEST_FIXTURE_SCOPE(room_tests, room_fixture)

CAF_TEST(a viewer is greeted with init and then its state) {
  auto ann = join("ann");
  HOLT_SAME(ann.socket->events(), (names{"system/init", "session/state"}));
  auto init = ann.socket->last("system/init");
  HOLT_SAME(init["session_id"], "ann");
  HOLT_SAME(init["screen_size"]["width"], 1280);
  HOLT_SAME(init["control_host"]["has_host"], false);
  HOLT_SAME(init["settings"]["locked_controls"], true);
  HOLT_SAME(init["webrtc"]["videos"], json::array({"main"}));
  CAF_CHECK(init["sessions"].contains("ann"));
  HOLT_SAME(ann.socket->last("session/state")["is_connected"], true);
}

CAF_TEST(who may not come in is told after the upgrade and closed) {
  auto refused = [&](const std::string& token) {
    auto who = open(token);
    HOLT_SAME(who.socket->closed, 1008);
    return who.socket->last("system/disconnect").value("message", "");
  };
  HOLT_SAME(refused(""), "no authentication provided");
  HOLT_SAME(refused("nobody"), "session not found");
  HOLT_SAME(refused("secret"), "connection disabled");
  auto token = account("bob", {{"can_login", true}});
  HOLT_SAME(refused(token), "connection disabled");
  HOLT_SAME(room->connected(), std::size_t{0});
}

CAF_TEST(a second socket of a session replaces the first and its close changes nothing) {
  auto token = account("ann");
  auto old = open(token);
  auto young = open(token);
  HOLT_SAME(old.socket->last("system/disconnect")["message"], "connection replaced");
  CAF_CHECK(old.socket->closed != 0);
  old.handlers->on_close({1000, ""});
  HOLT_SAME(room->connected(), std::size_t{1});
  HOLT_SAME(young.socket->closed, 0);
}

CAF_TEST(a clean close ends the connection at once) {
  auto ann = join("ann");
  ann.handlers->on_close({1000, ""});
  HOLT_SAME(room->connected(), std::size_t{0});
  CAF_CHECK(media.did("forget"));
  CAF_CHECK(!room->registry().find("ann")->connected);
}

CAF_TEST(an abnormal close waits for a return until the grace is over) {
  stream::room_settings rules;
  rules.grace = 4s; // the way back below takes a while on a busy machine
  start(rules);
  auto token = account("ann");
  auto first = open(token);
  first.handlers->on_close({1006, ""});
  HOLT_SAME(room->connected(), std::size_t{1});
  HOLT_SAME(room->login("ann", "pw").error().status, 422U);
  auto second = open(token); // back in time
  HOLT_SAME(second.socket->closed, 0);
  second.handlers->on_close({4000, ""});
  CAF_CHECK(until([&] { return room->connected() == 0; }));
}

CAF_TEST(a heartbeat comes in its interval) {
  stream::room_settings rules;
  rules.heartbeat = 10ms;
  start(rules);
  auto ann = join("ann");
  CAF_CHECK(until([&] {
    auto seen = ann.socket->events();
    return std::find(seen.begin(), seen.end(), "system/heartbeat") != seen.end();
  }));
}

CAF_TEST(locked controls are given by the API only) {
  auto ann = join("ann");
  ann.say("control/request");
  ann.say("control/move", {{"x", 1}, {"y", 2}});
  CAF_CHECK(!room->is_host("ann"));
  HOLT_SAME(room->request_control(*room->registry().find("ann")), 403U);
  CAF_CHECK(media.acts.empty());
  CAF_REQUIRE(room->give_control(api(), "ann"));
  HOLT_SAME(ann.socket->last("control/host"),
            (json{{"id", "API"}, {"has_host", true}, {"host_id", "ann"}}));
  ann.say("control/move", {{"x", 1}, {"y", 2}});
  CAF_CHECK(media.did("move 1 2"));
  room->reset_control(api());
  CAF_CHECK(media.did("release"));
  media.acts.clear();
  ann.say("control/keydown", {{"keysym", 97}});
  CAF_CHECK(media.acts.empty());
}

CAF_TEST(control is given to a connected session that may host and to no other) {
  auto ann = join("ann", {{"can_login", true}, {"can_connect", true}, {"can_watch", true}});
  account("bob");
  HOLT_SAME(room->give_control(api(), "eve").error().status, 404U);
  HOLT_SAME(room->give_control(api(), "ann").error().status, 400U);
  HOLT_SAME(room->give_control(api(), "bob").error().status, 400U);
  HOLT_SAME(room->give_control(*room->registry().find("ann"), "bob").error().status, 403U);
}

CAF_TEST(with open controls a request is granted when free and asked for otherwise) {
  stream::room_settings rules;
  rules.locked_controls = false;
  start(rules);
  auto ann = join("ann");
  auto bob = join("bob");
  ann.say("control/request");
  CAF_CHECK(room->is_host("ann"));
  bob.say("control/request");
  CAF_CHECK(room->is_host("ann"));
  HOLT_SAME(ann.socket->last("control/request")["id"], "bob");
  ann.say("control/release");
  HOLT_SAME(room->control_json(), (json{{"has_host", false}}));
}

CAF_TEST(implicit hosting takes control by acting) {
  stream::room_settings rules;
  rules.locked_controls = false;
  rules.implicit_hosting = true;
  start(rules);
  auto ann = join("ann");
  auto bob = join("bob");
  ann.say("control/buttondown", {{"code", 1}, {"x", 5}, {"y", 6}});
  HOLT_SAME(media.acts, (names{"move 5 6", "press 1"}));
  bob.say("control/request");
  CAF_CHECK(room->is_host("bob"));
}

CAF_TEST(a host that leaves or loses its right is no host any more) {
  auto ann = join("ann");
  CAF_REQUIRE(room->give_control(api(), "ann"));
  CAF_REQUIRE(room->registry().update("ann", {{"can_host", false}}));
  room->apply_profile("ann");
  CAF_CHECK(!room->is_host("ann"));
  HOLT_SAME(ann.socket->last("session/profile")["can_host"], false);
  auto bob = join("bob");
  CAF_REQUIRE(room->give_control(api(), "bob"));
  bob.handlers->on_close({1000, ""});
  CAF_CHECK(!room->is_host("bob"));
  HOLT_SAME(ann.socket->last("control/host")["has_host"], false);
}

CAF_TEST(a request for media brings an offer and a bad answer a close with the reason) {
  auto ann = join("ann");
  ann.say("signal/request");
  auto offer = ann.socket->last("signal/provide");
  CAF_REQUIRE(offer.is_object());
  CAF_CHECK(offer["sdp"].get<std::string>().starts_with("v=0"));
  HOLT_SAME(offer["iceservers"], json::array());
  HOLT_SAME(pool->size(), std::size_t{1});
  ann.say("signal/answer", {{"sdp", "v=0"}});
  HOLT_SAME(ann.socket->last("signal/close")["code"], "invalid_request");
  HOLT_SAME(pool->size(), std::size_t{0});
  HOLT_SAME(ann.socket->closed, 0);
}

CAF_TEST(a second request replaces the connection of the first) {
  auto ann = join("ann");
  ann.say("signal/request");
  ann.say("signal/request");
  HOLT_SAME(pool->size(), std::size_t{1});
  ann.handlers->on_close({1001, ""});
  HOLT_SAME(pool->size(), std::size_t{0});
}

CAF_TEST(no picture and no permission are told apart instead of silence) {
  auto ann = join("ann");
  media.broken = error{errc::stream_pipeline, "the X server does not answer"};
  ann.say("signal/request");
  HOLT_SAME(ann.socket->last("signal/close"), (json{{"code", info(errc::stream_pipeline).word},
                                                    {"reason", "the X server does not answer"}}));
  auto bob = join("bob", {{"can_login", true}, {"can_connect", true}});
  bob.say("signal/request");
  HOLT_SAME(bob.socket->last("signal/close")["code"], info(errc::forbidden).word);
  HOLT_SAME(pool->size(), std::size_t{0});
}

CAF_TEST(the clipboard belongs to the host) {
  auto ann = join("ann");
  auto bob = join("bob");
  ann.say("clipboard/set", {{"text", "one"}});
  HOLT_SAME(media.clip, "");
  CAF_REQUIRE(room->give_control(api(), "ann"));
  ann.say("clipboard/set", {{"text", "two"}});
  HOLT_SAME(media.clip, "two");
  room->on_clipboard("three");
  HOLT_SAME(ann.socket->last("clipboard/updated")["text"], "three");
  CAF_CHECK(bob.socket->last("clipboard/updated").is_null());
}

CAF_TEST(a marked viewer has its wheel converted) {
  auto who = control_profile();
  who["plugins"] = {{"wheel", "dom"}};
  join("ann", who);
  CAF_CHECK(media.did("dom wheel"));
}

CAF_TEST(a deleted session hears why and its token ends) {
  auto token = account("ann");
  auto ann = open(token);
  auto bob = join("bob");
  room->end_session("ann", "session deleted");
  HOLT_SAME(ann.socket->last("system/disconnect")["message"], "session deleted");
  CAF_CHECK(ann.socket->closed != 0);
  HOLT_SAME(bob.socket->last("session/deleted")["id"], "ann");
  CAF_CHECK(room->registry().find_token(token) == nullptr);
}

CAF_TEST(junk on the socket changes nothing) {
  auto ann = join("ann");
  auto before = ann.socket->sent.size();
  for (const char* junk :
       {"", "{", "[]", "{}", R"({"event":1})", R"({"event":"no/such"})", "\xff\xfe",
        R"({"event":"control/move","payload":{"x":1e400,"y":"a"}})",
        R"({"event":"signal/candidate","payload":null})", R"({"event":"screen/set"})"})
    ann.handlers->on_message(junk, false);
  ann.handlers->on_message(std::string(1000, '['), false);
  ann.handlers->on_message("x", true);
  HOLT_SAME(ann.socket->sent.size(), before);
  HOLT_SAME(ann.socket->closed, 0);
  CAF_CHECK(media.acts.empty());
}

CAF_TEST(stopping says goodbye to everybody) {
  auto ann = join("ann");
  room->shut_down("connection shutdown");
  HOLT_SAME(ann.socket->last("system/disconnect")["message"], "connection shutdown");
  HOLT_SAME(ann.socket->closed, 1001);
  HOLT_SAME(room->login("ann", "pw").error().status, 503U);
}

CAF_TEST_FIXTURE_SCOPE_END()
