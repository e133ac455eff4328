// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE session

#include "stream/session.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt::stream;
using nlohmann::json;

namespace {

profile viewer() {
  profile out;
  out.can_login = out.can_connect = out.can_watch = true;
  return out;
}

} // namespace

CAF_TEST(a profile that leaves fields out gets the defaults of neko) {
  auto made = merge_profile({}, json{{"can_watch", true}});
  CAF_REQUIRE(made);
  CAF_CHECK(made->can_watch);
  CAF_CHECK(!made->can_login && !made->can_host && !made->is_admin);
  CAF_CHECK(made->can_share_media && made->can_access_clipboard);
  CAF_CHECK(made->sends_inactive_cursor && made->can_see_inactive_cursors);
}

CAF_TEST(a profile with a wrong type is refused) {
  CAF_CHECK_EQUAL(merge_profile({}, json{{"can_host", 1}}).error().status, 422U);
  CAF_CHECK_EQUAL(merge_profile({}, json::array()).error().status, 422U);
  CAF_CHECK_EQUAL(merge_profile({}, json{{"plugins", 5}}).error().status, 422U);
}

CAF_TEST(the mark of a DOM wheel is read from the plugins) {
  auto marked = merge_profile({}, json{{"plugins", {{"wheel", "dom"}}}});
  CAF_CHECK(marked->dom_wheel());
  CAF_CHECK(!profile{}.dom_wheel());
  CAF_CHECK_EQUAL(to_json(*marked).dump().find(R"("plugins":{"wheel":"dom"})") != std::string::npos,
                  true);
}

CAF_TEST(login needs the right password and permission) {
  session_registry all{"secret"};
  CAF_REQUIRE(all.create("ann", "pw", viewer()));
  auto quiet = viewer();
  quiet.can_login = false;
  CAF_REQUIRE(all.create("bob", "pw", quiet));
  CAF_CHECK_EQUAL(all.login("ann", "other").error().status, 401U);
  CAF_CHECK_EQUAL(all.login("eve", "pw").error().status, 401U);
  CAF_CHECK_EQUAL(all.login("bob", "pw").error().status, 403U);
  auto made = all.login("ann", "pw");
  CAF_REQUIRE(made);
  CAF_CHECK_EQUAL((*made)->id, "ann");
  CAF_CHECK_EQUAL((*made)->token.size(), std::size_t{64});
  CAF_CHECK(all.find_token((*made)->token) == *made);
}

CAF_TEST(a second login replaces an absent session and is refused beside a connected one) {
  session_registry all{""};
  CAF_REQUIRE(all.create("ann", "pw", viewer()));
  auto old = (*all.login("ann", "pw"))->token;
  auto made = all.login("ann", "pw");
  CAF_REQUIRE(made);
  CAF_CHECK(all.find_token(old) == nullptr);
  (*made)->set_connected(true, {});
  CAF_CHECK_EQUAL(all.login("ann", "pw").error().status, 422U);
}

CAF_TEST(the API token is an admin that may not connect and an empty one is nobody) {
  session_registry with{"secret"};
  auto* api = with.find_token("secret");
  CAF_REQUIRE(api != nullptr);
  CAF_CHECK(api->api && api->who.is_admin && !api->who.can_connect);
  CAF_CHECK_EQUAL(api->id, "API");
  CAF_CHECK(with.find("API") == nullptr);
  session_registry without{""};
  CAF_CHECK(without.find_token("") == nullptr);
}

CAF_TEST(an update merges into member and session) {
  session_registry all{""};
  CAF_REQUIRE(all.create("ann", "pw", viewer()));
  auto* one = *all.login("ann", "pw");
  CAF_REQUIRE(all.update("ann", json{{"can_host", true}}));
  CAF_CHECK(one->who.can_host && one->who.can_watch);
  CAF_CHECK_EQUAL(all.update("eve", json::object()).error().status, 404U);
}

CAF_TEST(names of members are unique and their number is bounded) {
  session_registry all{""};
  CAF_CHECK_EQUAL(all.create("", "pw", {}).error().status, 422U);
  CAF_CHECK_EQUAL(all.create("API", "pw", {}).error().status, 422U);
  for (std::size_t i = 0; i < session_registry::most_members; ++i)
    CAF_REQUIRE(all.create("m" + std::to_string(i), "pw", {}));
  CAF_CHECK_EQUAL(all.create("m0", "pw", {}).error().status, 422U);
  CAF_CHECK_EQUAL(all.create("one-more", "pw", {}).error().status, 422U);
}
