// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE realtime_parts

// The small parts of the Realtime client: the server's codes, presence by phx_ref, the token
// command.

#include "link/realtime_errors.hpp"
#include "link/realtime_presence.hpp"
#include "link/token_command.hpp"
#include "realtime_world.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <sys/stat.h>

using namespace holt;
using namespace holt::link;
using namespace holt::test;

namespace {

nlohmann::json members(const std::string& text) {
  return nlohmann::json::parse(text);
}

std::string ids(const presence_table& of) {
  std::string out;
  for (const auto& one : of.sandboxes())
    out += one.key + ":" + one.meta.value("phx_ref", "") + " ";
  return out;
}

result<std::string> token_of(const std::string& command, std::chrono::milliseconds limit = 10s) {
  const std::atomic<bool> stop{false};
  return run_token_command(command, limit, stop);
}

} // namespace

CAF_TEST(every code of a refused join has its kind and a sentence) {
  struct row {
    const char* reason;
    failure kind;
    errc word;
  };
  for (const auto& one : std::vector<row>{
         {"InvalidJWTToken: Token has expired 12 seconds ago", failure::expired,
          errc::token_invalid},
         {"InvalidJWTExpiration: jwt EXPIRED", failure::expired, errc::token_invalid},
         {"InvalidJWTToken: Fields `role` and `exp` are required in JWT", failure::fatal,
          errc::token_invalid},
         {"MalformedJWT: The token provided is not a valid JWT", failure::fatal,
          errc::token_invalid},
         {"JwtSignatureError: Failed to validate JWT signature", failure::fatal,
          errc::token_invalid},
         {"JwtSignerError: x", failure::fatal, errc::token_invalid},
         {"Unauthorized: You do not have permissions to read from this Channel topic: t",
          failure::fatal, errc::forbidden},
         {"You do not have permissions to read from this Channel topic: t", failure::fatal,
          errc::forbidden},
         {"TenantNotFound: Tenant not found: x", failure::fatal, errc::config},
         {"RealtimeDisabledForTenant: x", failure::fatal, errc::config},
         {"PrivateOnly: This project only allows private channels", failure::fatal, errc::config},
         {"TopicNameRequired: You must provide a topic name", failure::fatal, errc::config},
         {"UnableToReplayMessages: x", failure::fatal, errc::config},
         {"ConnectionRateLimitReached: Too many connected users", failure::rate,
          errc::too_many_requests},
         {"ClientJoinRateLimitReached: Too many joins per second", failure::rate,
          errc::too_many_requests},
         {"ChannelRateLimitReached: Too many channels", failure::rate, errc::too_many_requests},
         {"IncreaseConnectionPool: x", failure::rate, errc::busy},
         {"DatabaseLackOfConnections: x", failure::rate, errc::busy},
         {"DatabaseConnectionRateLimitReached: x", failure::rate, errc::busy},
         {"InitializingProjectConnection: Realtime is initializing", failure::retry, errc::busy},
         {"UnableToConnectToProject: x", failure::retry, errc::io},
         {"RealtimeRestarting: x", failure::retry, errc::io},
         {"Failed to set policies", failure::retry, errc::io},
         {"QueryCanceled: x", failure::retry, errc::io},
         {"MissingPartition: x", failure::retry, errc::io},
         {"TimeoutOnRpcCall: x", failure::retry, errc::io},
         {"ErrorOnRpcCall: x", failure::retry, errc::io},
         {"MusterJoinError: x", failure::retry, errc::io},
         {"Unknown Error on Channel", failure::retry, errc::io},
         {"", failure::retry, errc::io}}) {
    const auto got = judge_join(one.reason);
    CAF_CHECK(got.kind == one.kind);
    CAF_CHECK_EQUAL(got.why.code, one.word);
    CAF_CHECK(got.why.detail.size() > 20);
    if (got.kind != one.kind)
      std::cerr << one.reason << "\n";
  }
}

CAF_TEST(a refused handshake says what to check) {
  CAF_CHECK(judge_refusal(401, R"({"error":"Invalid API key"})").kind == failure::fatal);
  CAF_CHECK(judge_refusal(403, "").kind == failure::fatal);
  CAF_CHECK(judge_refusal(404, "").why.detail.find("link.url") != std::string::npos);
  CAF_CHECK(judge_refusal(429, "").kind == failure::rate);
  CAF_CHECK(judge_refusal(500, "<html>").kind == failure::retry);
  CAF_CHECK(judge_refusal(301, "").kind == failure::retry);
  const auto told = judge_refusal(401, R"({"error":"Invalid API key"})").why.detail;
  CAF_CHECK(told.find("link.key") != std::string::npos);
  CAF_CHECK(told.find("Invalid API key") != std::string::npos);
}

CAF_TEST(text of the server is shown cut and clean) {
  CAF_CHECK_EQUAL(shown("a\nb\x01"), "a b ");
  CAF_CHECK_EQUAL(shown(std::string(500, 'x')).size(), 200u);
  CAF_CHECK_EQUAL(shown("\xff\xfe"), "??");
  std::string long_text = std::string(199, 'x') + "\u00e4\u00e4";
  CAF_CHECK_EQUAL(shown(long_text), std::string(199, 'x'));
}

CAF_TEST(presence goes by phx_ref and knows sandboxes only) {
  presence_table t;
  CAF_CHECK(t.take_state(members(
    R"({"a":{"metas":[{"phx_ref":"1","role":"sandbox"}]},"x":{"metas":[{"phx_ref":"2","role":"agent"}]}})")));
  CAF_CHECK_EQUAL(ids(t), "a:1 ");
  // A re-track: join and leave of one key in one diff.
  CAF_CHECK(t.take_diff(
    members(R"({"joins":{"a":{"metas":[{"phx_ref":"3","phx_ref_prev":"1","role":"sandbox"}]}},)"
            R"("leaves":{"a":{"metas":[{"phx_ref":"1","role":"sandbox"}]}}})")));
  CAF_CHECK_EQUAL(ids(t), "a:3 ");
  // A ghost beside the living: two metas of one key.
  CAF_CHECK(t.take_diff(
    members(R"({"joins":{"a":{"metas":[{"phx_ref":"4","role":"sandbox"}]}},"leaves":{}})")));
  CAF_CHECK_EQUAL(ids(t), "a:3 a:4 ");
  CAF_CHECK(t.take_diff(
    members(R"({"joins":{},"leaves":{"a":{"metas":[{"phx_ref":"3","role":"sandbox"}]}}})")));
  CAF_CHECK_EQUAL(ids(t), "a:4 ");
  CAF_CHECK(!t.take_diff(
    members(R"({"joins":{"y":{"metas":[{"phx_ref":"9","role":"agent"}]}},"leaves":{}})")));
  for (const auto* junk : {"[]", "null", "7", R"({"joins":7})", R"({"joins":{"a":[]}})",
                           R"({"joins":{"a":{"metas":{}}}})", R"({"leaves":{"a":{"metas":[7]}}})",
                           R"({"joins":{"a":{"metas":[{"phx_ref":7,"role":"sandbox"}]}}})"})
    CAF_CHECK(!t.take_diff(members(junk)));
  CAF_CHECK_EQUAL(ids(t), "a:4 ");
}

CAF_TEST(a diff that comes before the state is kept for it) {
  presence_table t;
  t.reset();
  CAF_CHECK(!t.take_diff(
    members(R"({"joins":{"b":{"metas":[{"phx_ref":"2","role":"sandbox"}]}},"leaves":{}})")));
  CAF_CHECK(t.take_state(members(R"({"a":{"metas":[{"phx_ref":"1","role":"sandbox"}]}})")));
  CAF_CHECK_EQUAL(ids(t), "a:1 b:2 ");
}

CAF_TEST(a crowd does not fill the memory) {
  presence_table t;
  t.reset();
  for (int i = 0; i < 2'000; ++i)
    t.take_diff(members("{}"));
  nlohmann::json crowd;
  for (int i = 0; i < 5'000; ++i)
    crowd["k" + std::to_string(i)]["metas"]
      = {{{"phx_ref", std::to_string(i)}, {"role", "sandbox"}}};
  t.take_state(crowd);
  CAF_CHECK_EQUAL(t.sandboxes().size(), 1'000u);
}

CAF_TEST(a token command prints the token) {
  CAF_CHECK_EQUAL(token_of("echo a.b.c").value(), "a.b.c");
  CAF_CHECK_EQUAL(token_of("printf '  a.b.c \\n\\n'").value(), "a.b.c");
  CAF_CHECK_EQUAL(token_of("echo noise >&2; cat /dev/null; echo tok").value(), "tok");
  // It has no stdin and none of our descriptors.
  CAF_CHECK_EQUAL(token_of("cat; echo x").value(), "x");
  CAF_CHECK_EQUAL(token_of("ls /proc/self/fd | tr '\\n' '_'").value(), "0_1_2_3_");
}

CAF_TEST(a token command that fails says why) {
  const auto why = [](const std::string& command) {
    const auto got = token_of(command);
    return got ? "a token" : std::string{got.error().word()} + ": " + got.error().detail;
  };
  CAF_CHECK_EQUAL(why("echo first >&2; echo no login >&2; exit 3"),
                  "config: link.token_command failed with exit code 3: no login");
  CAF_CHECK_EQUAL(why("true"), "config: link.token_command printed nothing.");
  CAF_CHECK(why("/no/such/program").find("exit code 127") != std::string::npos);
  CAF_CHECK(why("echo a b").find("more than one word") != std::string::npos);
  CAF_CHECK(why("head -c 20000 /dev/zero | tr '\\0' x").find("more than a token")
            != std::string::npos);
  CAF_CHECK(why("kill -9 $$").find("failed with exit code 137") != std::string::npos);
  CAF_CHECK(why("echo secret.token; exit 1").find("secret") == std::string::npos);
  CAF_CHECK(why("syntax (").find("exit code 2") != std::string::npos);
}

CAF_TEST(a token command that does not end is killed with all it started) {
  const auto start = std::chrono::steady_clock::now();
  const auto got = token_of("sleep 100 & sleep 100", 200ms);
  CAF_REQUIRE(!got);
  CAF_CHECK_EQUAL(got.error().code, errc::timeout);
  CAF_CHECK(std::chrono::steady_clock::now() - start < 50s);
  std::atomic<bool> stop{true};
  const auto stopped = run_token_command("sleep 100", 10s, stop);
  CAF_REQUIRE(!stopped);
  CAF_CHECK_EQUAL(stopped.error().code, errc::cancelled);
}

CAF_TEST(a token command may leave something behind and print a lot) {
  // A child that holds stdout does not hold us; a full stderr pipe does not block the command.
  CAF_CHECK_EQUAL(token_of("sleep 100 & echo tok").value(), "tok");
  CAF_CHECK_EQUAL(token_of("head -c 300000 /dev/zero >&2; echo tok").value(), "tok");
}
