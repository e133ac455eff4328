// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE signaling_machine

#include "actors/signaling_machine.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <cstdlib>
#include <random>

using namespace holt;
using namespace holt::signaling;
using nlohmann::json;

namespace {

struct fixture {
  state now;
  policy how;
  engine_info engine{true, "", "builtin", "0.1.0", "stun:127.0.0.1:4659"};
  std::vector<effect> last;
  json found;

  fixture() { engine.ready = true; }

  /// What the effects say, a word each; for messages the event name.
  std::string tell(const event& what) {
    last = step(now, what, how);
    std::string out;
    auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
    for (const auto& one : last)
      std::visit(
        [&](const auto& x) {
          using type = std::decay_t<decltype(x)>;
          if constexpr (std::is_same_v<type, to_browser>)
            add("<" + std::string{json::parse(x.text)["event"]});
          else if constexpr (std::is_same_v<type, to_engine>)
            add(">" + std::string{json::parse(x.text)["event"]});
          else if constexpr (std::is_same_v<type, close_browser>)
            add("close:" + std::to_string(x.code));
          else if constexpr (std::is_same_v<type, close_engine>)
            add("engine-close:" + std::to_string(x.code));
          else if constexpr (std::is_same_v<type, make_account>)
            add("login");
          else if constexpr (std::is_same_v<type, drop_account>)
            add("logout");
          else if constexpr (std::is_same_v<type, tell_control>)
            add("control:" + std::to_string(x.what.index()));
          else if constexpr (std::is_same_v<type, finished>)
            add("end");
        },
        one);
    return out;
  }

  std::string from(const char* name, const json& payload = json::object()) {
    return tell(from_browser{json{{"event", name}, {"payload", payload}}.dump(), false});
  }

  std::string engine_says(const char* name, const json& payload = json::object()) {
    return tell(from_engine{json{{"event", name}, {"payload", payload}}.dump()});
  }

  /// The payload of the first message to the browser with this name.
  const json& said(const std::string& name) {
    for (const auto& one : last)
      if (auto* x = std::get_if<to_browser>(&one))
        if (auto message = json::parse(x->text); message["event"] == name)
          return found = message["payload"];
    return found = nullptr;
  }

  timer armed(signaling::clock what) {
    for (const auto& one : last)
      if (auto* x = std::get_if<arm>(&one); x && x->what == what)
        return {what, x->serial};
    CAF_FAIL("no such timer");
    return {};
  }

  void relay(bool published = false) {
    tell(opened{{control::viewer_id{7}, "Ann", true, false, published}, engine});
    tell(account_ready{"s7"});
    tell(engine_open{});
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(signaling_tests, fixture)

CAF_TEST(a ready engine is logged in to at once) {
  CAF_CHECK_EQUAL(tell(opened{{control::viewer_id{7}, "Ann", true, false, false}, engine}),
                  "<holt/session login");
  CAF_CHECK_EQUAL(tell(account_ready{"s7"}), "control:0");
  CAF_CHECK_EQUAL(tell(engine_open{}), "");
  CAF_CHECK(now.now == phase::relaying);
}

CAF_TEST(an engine that is not ready is waited for with progress) {
  engine.ready = false;
  engine.reason = "starting";
  CAF_CHECK_EQUAL(tell(opened{{control::viewer_id{7}, "Ann", true, false, false}, engine}),
                  "<holt/session <holt/waiting");
  auto wait = armed(signaling::clock::engine_wait);
  CAF_CHECK_EQUAL(tell(armed(signaling::clock::progress)), "<holt/waiting");
  CAF_CHECK_EQUAL(said("holt/waiting")["elapsedMs"], 1000);
  engine.ready = true;
  CAF_CHECK_EQUAL(tell(engine_changed{engine, false}), "login");
  CAF_CHECK_EQUAL(tell(wait), "");
}

CAF_TEST(an engine that never comes ends the wait with the reason) {
  engine.ready = false;
  engine.reason = "restarts in 2 s";
  tell(opened{{control::viewer_id{7}, "Ann", true, false, false}, engine});
  CAF_CHECK_EQUAL(tell(armed(signaling::clock::engine_wait)),
                  "<holt/error control:1 <system/disconnect close:1012");
  CAF_CHECK_EQUAL(said("holt/error")["code"], "engine_unavailable");
  CAF_CHECK(std::string{said("holt/error")["detail"]}.find("restarts in 2 s") != std::string::npos);
  CAF_CHECK_EQUAL(tell(browser_closed{1012}), "end");
}

CAF_TEST(allowed events pass unchanged and others do not ) {
  relay();
  CAF_CHECK_EQUAL(from("signal/candidate", {{"candidate", "x"}}), ">signal/candidate");
  CAF_CHECK_EQUAL(from("send/broadcast", {{"body", "x"}}), "");
  CAF_CHECK_EQUAL(from("screen/set", {{"width", 1}}), "");
  CAF_CHECK_EQUAL(from("system/logs"), "");
  CAF_CHECK_EQUAL(engine_says("chat/message"), "");
  CAF_CHECK_EQUAL(engine_says("system/admin"), "");
  CAF_CHECK_EQUAL(engine_says("system/heartbeat"), "<system/heartbeat");
}

CAF_TEST(input passes only while this viewer drives) {
  relay();
  CAF_CHECK_EQUAL(from("control/move", {{"x", 1}, {"y", 1}}), "");
  tell(control_changed{{{"epoch", 1}}, true});
  CAF_CHECK_EQUAL(from("control/move", {{"x", 1}, {"y", 1}}), ">control/move");
  tell(control_changed{{{"epoch", 2}}, false});
  CAF_CHECK_EQUAL(from("control/move", {{"x", 1}, {"y", 1}}), "");
}

CAF_TEST(control requests never reach the engine) {
  relay();
  CAF_CHECK_EQUAL(from("control/request"), "control:2");
  CAF_CHECK_EQUAL(from("control/release"), "control:3");
  CAF_CHECK_EQUAL(from("control/take"), "control:4");
  CAF_CHECK_EQUAL(from("control/give", {{"id", "9"}}), "control:5");
  CAF_CHECK_EQUAL(from("control/give", {{"id", "999999999999999999999999"}}), "<holt/error");
  CAF_CHECK_EQUAL(from("control/give"), "<holt/error");
}

CAF_TEST(junk closes this viewer with the right code) {
  relay();
  CAF_CHECK_EQUAL(tell(from_browser{"not json", false}),
                  "control:1 <system/disconnect close:1008 engine-close:1000");
  CAF_CHECK_EQUAL(tell(from_browser{"not json", false}), "");
}

CAF_TEST(binary frames are refused) {
  relay();
  CAF_CHECK_EQUAL(tell(from_browser{"abc", true}),
                  "control:1 <system/disconnect close:1003 engine-close:1000");
}

CAF_TEST(an answer without sdp is junk) {
  relay();
  CAF_CHECK_EQUAL(from("signal/answer", {{"sdp", 5}}),
                  "control:1 <system/disconnect close:1008 engine-close:1000");
}

CAF_TEST(an engine restart says why before it closes) {
  relay();
  engine.ready = false;
  engine.reason = "killed by signal 9";
  CAF_CHECK_EQUAL(tell(engine_changed{engine, false}),
                  "control:1 <system/disconnect close:1012 engine-close:1000");
  CAF_CHECK(std::string{said("system/disconnect")["message"]}.find("signal 9")
            != std::string::npos);
  CAF_CHECK_EQUAL(tell(engine_closed{1006, ""}), "");
  CAF_CHECK_EQUAL(tell(browser_closed{1012}), "logout end");
}

CAF_TEST(no offer and no candidate means no answer) {
  relay();
  CAF_CHECK_EQUAL(from("signal/request", {{"video", json::object()}}), ">signal/request");
  CAF_CHECK_EQUAL(tell(armed(signaling::clock::provide)), "<holt/error");
  CAF_CHECK_EQUAL(said("holt/error")["code"], "engine_no_answer");
}

CAF_TEST(candidates without an offer mean a broken pipeline) {
  relay();
  from("signal/request");
  auto provide = armed(signaling::clock::provide);
  engine_says("signal/candidate",
              {{"candidate", "candidate:1 1 udp 2130706431 192.0.2.1 4659 typ host"}});
  CAF_CHECK_EQUAL(tell(provide), "<holt/error");
  CAF_CHECK_EQUAL(said("holt/error")["code"], "stream_pipeline");
  CAF_CHECK_EQUAL(said("holt/error")["addresses"][0], "192.0.2.1:4659/udp");
}

CAF_TEST(media that never flows names the addresses tried) {
  relay();
  from("signal/request");
  engine_says("signal/provide",
              {{"sdp", "v=0\r\na=candidate:1 1 udp 213 192.0.2.7 4659 typ host\r\n"}});
  CAF_CHECK_EQUAL(from("signal/answer", {{"sdp", "v=0"}}), ">signal/answer");
  CAF_CHECK_EQUAL(tell(armed(signaling::clock::ice)), "<holt/error");
  CAF_CHECK_EQUAL(said("holt/error")["code"], "stream_ice");
  CAF_CHECK_EQUAL(said("holt/error")["addresses"][0], "192.0.2.7:4659/udp");
}

CAF_TEST(media that flows disarms the watch) {
  relay();
  from("signal/request");
  engine_says("signal/provide", {{"sdp", "v=0"}});
  from("signal/answer", {{"sdp", "v=0"}});
  auto ice = armed(signaling::clock::ice);
  engine_says("session/state", {{"id", "s7"}, {"is_watching", true}});
  CAF_CHECK_EQUAL(tell(ice), "");
}

CAF_TEST(the published client is always given an ICE server by name) {
  relay(true);
  from("signal/request");
  engine_says("signal/provide", {{"sdp", "v=0"}, {"iceservers", json::array()}});
  CAF_CHECK_EQUAL(said("signal/provide")["iceservers"][0]["urls"][0], "stun:127.0.0.1:4659");
}

CAF_TEST(a browser that leaves during the log in leaves nothing behind) {
  tell(opened{{control::viewer_id{7}, "Ann", true, false, false}, engine});
  CAF_CHECK_EQUAL(tell(browser_closed{1006}), "control:1");
  CAF_CHECK_EQUAL(tell(account_ready{"s7"}), "logout end"); // waited for: it would stay there
  CAF_CHECK_EQUAL(tell(engine_open{}), "engine-close:1000");
}

CAF_TEST(a stop of the daemon closes with its code) {
  relay();
  CAF_CHECK_EQUAL(tell(shutdown{1001, "the daemon stops"}),
                  "control:1 <system/disconnect close:1001 engine-close:1000");
}

CAF_TEST(random events end every viewer once and leave no account) {
  std::random_device device;
  auto* text = std::getenv("HOLT_SEED");
  auto seed = text ? static_cast<unsigned>(std::stoul(text)) : device();
  CAF_MESSAGE("HOLT_SEED=" << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 2'000; ++round) {
    now = {};
    engine.ready = random() % 2 == 0;
    int ends = 0, accounts = 0;
    auto run = [&](const event& what) {
      tell(what);
      for (const auto& one : last) {
        ends += std::holds_alternative<finished>(one) ? 1 : 0;
        accounts -= std::holds_alternative<drop_account>(one) ? 1 : 0;
      }
    };
    run(opened{{control::viewer_id{1}, "v", true, true, false}, engine});
    bool account = false, socket = false, browser = true;
    for (int i = 0; i < 30; ++i) {
      switch (random() % 9) {
      case 0:
        engine.ready = random() % 2 == 0;
        run(engine_changed{engine, random() % 20 == 0});
        break;
      case 1:
        if (now.now == phase::logging_in && !account) {
          account = true;
          ++accounts;
          run(account_ready{"s"});
        }
        break;
      case 2:
        if (account && !socket && now.now == phase::logging_in) {
          socket = true;
          run(engine_open{});
        }
        break;
      case 3: run(from_browser{R"({"event":"signal/request","payload":{}})", false}); break;
      case 4: run(from_engine{R"({"event":"signal/provide","payload":{"sdp":"x"}})"}); break;
      case 5: run(timer{static_cast<signaling::clock>(random() % 5), now.serial}); break;
      case 6: run(from_engine{R"({"event":"signal/close","payload":null})"}); break;
      case 7:
        if (random() % 8 == 0 && browser) {
          browser = false;
          run(browser_closed{1006});
        }
        break;
      default:
        if (random() % 8 == 0 && socket) {
          socket = false;
          run(engine_closed{1006, ""});
        }
        break;
      }
    }
    if (browser)
      run(browser_closed{1000});
    if (socket)
      run(engine_closed{1000, ""});
    if (now.asked && random() % 2 == 0)
      run(account_failed{{errc::timeout, ""}});
    else if (now.asked) {
      ++accounts;
      run(account_ready{"s"});
    }
    CAF_REQUIRE_EQUAL(ends, 1);
    CAF_REQUIRE_EQUAL(accounts, 0);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
