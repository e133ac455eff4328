// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE digest

#include "transport/digest.hpp"
#include "transport/secret.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <set>

using namespace holt;

// -- hashes

CAF_TEST(a hash is the one that others compute) {
  CAF_CHECK_EQUAL(sha256_hex(""),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CAF_CHECK_EQUAL(sha256_hex("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

CAF_TEST(pieces hash as the whole and the next hash begins anew) {
  sha256 hash;
  hash.add("a");
  hash.add("");
  hash.add("bc");
  CAF_CHECK_EQUAL(hash.hex(), sha256_hex("abc"));
  CAF_CHECK_EQUAL(hash.hex(), sha256_hex(""));
}

CAF_TEST(a mac is that of RFC 4231) {
  // Its test case 2.
  const std::string_view key = "Jefe";
  const std::string_view text = "what do ya want for nothing?";
  CAF_CHECK_EQUAL(to_hex(hmac(mac_kind::sha256, key, text)),
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CAF_CHECK_EQUAL(to_hex(hmac(mac_kind::sha384, key, text)),
                  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                  "8e2240ca5e69e2c78b3239ecfab21649");
  CAF_CHECK_EQUAL(to_hex(hmac(mac_kind::sha512, key, text)),
                  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                  "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
  CAF_CHECK_EQUAL(hmac(mac_kind::sha256, "", "").size(), 32u);
}

CAF_TEST(secrets are equal only as a whole) {
  CAF_CHECK(equal_secrets("", ""));
  CAF_CHECK(equal_secrets("abc", "abc"));
  CAF_CHECK(!equal_secrets("abc", "abd"));
  CAF_CHECK(!equal_secrets("abc", "ab"));
  CAF_CHECK(!equal_secrets("abc", ""));
}

// -- letters

CAF_TEST(base64url has no padding and no letter to quote) {
  CAF_CHECK_EQUAL(to_base64url(""), "");
  CAF_CHECK_EQUAL(to_base64url("f"), "Zg");
  CAF_CHECK_EQUAL(to_base64url("\xfb\xff\xfe"), "-__-");
  for (const auto* text : {"", "f", "fo", "foo", "\xfb\xff\xfe"})
    CAF_CHECK_EQUAL(from_base64url(to_base64url(text)).value(), text);
}

CAF_TEST(base64url of the other alphabet or with padding is refused) {
  for (const auto* text : {"Zg==", "+/A", "Z", "Zg Zg", "\xff"})
    CAF_CHECK(!from_base64url(text).has_value());
}

// -- what nobody can guess

CAF_TEST(a secret has the letters it was asked for and no two are alike) {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) {
    const auto text = random_secret();
    CAF_REQUIRE_EQUAL(text.size(), 43u);
    CAF_REQUIRE_EQUAL(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789-_"),
                      std::string::npos);
    CAF_REQUIRE(all.insert(text).second);
  }
  CAF_CHECK_EQUAL(random_secret(12).size(), 12u);
  CAF_CHECK_EQUAL(random_secret(0), "");
}

CAF_TEST(every letter of the alphabet comes up) {
  std::set<char> seen;
  // One letter missing after so many draws: less likely than one in 10 to the 60.
  for (const char c : random_secret(10'000))
    seen.insert(c);
  CAF_CHECK_EQUAL(seen.size(), 64u);
}

CAF_TEST(random hex has two digits a byte) {
  const auto text = random_hex(16);
  CAF_CHECK_EQUAL(text.size(), 32u);
  CAF_CHECK_EQUAL(text.find_first_not_of("0123456789abcdef"), std::string::npos);
  CAF_CHECK(text != random_hex(16));
}
