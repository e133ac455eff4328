// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE keys

#include "broker/keys.hpp"
#include "tests/broker/broker_rig.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;

namespace {

const std::string sandbox = "realtime:sandbox:s1";

} // namespace

CAF_TEST(a key that is not ours enters no sandbox although every key is taken) {
  broker::broker_options how;
  how.any_key = true;
  broker_server s{how};
  const broker::keyring others{log::secret{"a secret of somebody else"}, false};
  for (const auto& key : {std::string{"sb_publishable_x"}, std::string{"anything"},
                          others.make("daemon", {}, std::chrono::hours{1}),
                          others.make("agent", "s1", std::chrono::hours{1})}) {
    phoenix_client c{s, key};
    CAF_CHECK(c.joined("realtime:room:1"));
    const auto got = c.join(sandbox);
    CAF_CHECK_EQUAL(got.at("/status"), "error");
    CAF_CHECK(got.at("/response/reason").get<std::string>().starts_with("Unauthorized"));
  }
}

CAF_TEST(keys of our own stay what they are although every key is taken) {
  broker::broker_options how;
  how.any_key = true;
  broker_server s{how};
  phoenix_client agent{s, s->agent_key("s1")};
  CAF_CHECK(agent.joined(sandbox));
  CAF_CHECK(!agent.joined("realtime:sandbox:s2"));
  CAF_CHECK(!agent.joined("realtime:room:1"));
  phoenix_client daemon{s, s->daemon_key()};
  CAF_CHECK(daemon.joined(sandbox));
  phoenix_client app{s, s->app_key()};
  CAF_CHECK(!app.joined(sandbox));
}
