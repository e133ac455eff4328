// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE ws_conformance

#include "ws_frames.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace rig;

namespace {

struct probe {
  std::string name;
  std::string bytes;
  unsigned close; ///< expected close code; 0: the echo `answer`
  seen_frame answer = {};
};

frame_bits part(bool fin) {
  frame_bits out;
  out.fin = fin;
  return out;
}

frame_bits rsv(unsigned bits) {
  frame_bits out;
  out.rsv = bits;
  return out;
}

frame_bits length(unsigned form) {
  frame_bits out;
  out.length_form = form;
  return out;
}

std::vector<probe> table() {
  std::vector<probe> out;
  frame_bits unmasked;
  unmasked.masked = false;
  const auto bad = [&](std::string name, std::string bytes, unsigned code = 1002) {
    out.push_back({std::move(name), std::move(bytes), code, {}});
  };
  const auto good = [&](std::string name, std::string bytes, seen_frame answer) {
    out.push_back({std::move(name), std::move(bytes), 0, std::move(answer)});
  };
  for (const std::size_t n : {0, 1, 125, 126, 127, 128, 4095, 4096, 65535, 65536})
    for (const unsigned opcode : {1u, 2u}) {
      const std::string payload(n, 'a');
      good("length " + std::to_string(n), frame(opcode, payload), {opcode, payload});
    }
  bad("one byte too large", frame(2, std::string(65537, 'a')), 1009);
  bad("too large in parts",
      frame(2, std::string(40000, 'a'), part(false)) + frame(0, std::string(40000, 'a')), 1009);
  {
    std::string huge = "\x82\xff";
    huge += std::string{"\x7f\xff\xff\xff\xff\xff\xff\xff", 8} + "mask";
    bad("said to be huge", huge, 1009);
    std::string top = "\x82\xff";
    top += std::string(8, '\xff') + "mask";
    bad("length with the top bit", top, 1009); // Beast counts it as too large
  }
  bad("length 5 in 16 bits", frame(1, "hello", length(16)));
  bad("length 5 in 64 bits", frame(1, "hello", length(64)));
  bad("length 300 in 64 bits", frame(1, std::string(300, 'a'), length(64)));
  for (unsigned bits = 1; bits < 8; ++bits)
    bad("rsv " + std::to_string(bits), frame(1, "x", rsv(bits)));
  bad("rsv on a ping", frame(9, "x", rsv(4)));
  for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u}) {
    bad("opcode " + std::to_string(opcode), frame(opcode, "x"));
    bad("empty opcode " + std::to_string(opcode), frame(opcode, ""));
  }
  bad("unmasked text", frame(1, "x", unmasked));
  bad("unmasked ping", frame(9, "x", unmasked));
  bad("unmasked close", frame(8, "", unmasked));
  for (const std::size_t n : {0, 1, 125})
    good("ping of " + std::to_string(n), frame(9, std::string(n, 'p')), {10, std::string(n, 'p')});
  bad("ping of 126", frame(9, std::string(126, 'p')));
  bad("pong of 126", frame(10, std::string(126, 'p')));
  bad("close of 126", frame(8, "\x03\xe8" + std::string(124, 'p')));
  bad("ping in parts", frame(9, "x", part(false)));
  bad("close in parts", frame(8, "", part(false)));
  good("pong nobody asked for", frame(10, "x") + frame(1, "y"), {1, "y"});
  good("two parts", frame(1, "a", part(false)) + frame(0, "b"), {1, "ab"});
  good("empty parts", frame(1, "", part(false)) + frame(0, "", part(false)) + frame(0, ""),
       {1, ""});
  good("binary in three parts",
       frame(2, "\xff", part(false)) + frame(0, "b", part(false)) + frame(0, "c"),
       {2, "\xff"
           "bc"});
  good("ping between parts", frame(1, "a", part(false)) + frame(9, "p") + frame(0, "b"), {10, "p"});
  bad("continuation of nothing", frame(0, "x"));
  bad("continuation of nothing, first part", frame(0, "x", part(false)));
  bad("continuation after the end",
      frame(1, "a").substr(0, 0) + frame(1, "a", part(false)) + frame(0, "b") + frame(0, "c"));
  bad("text inside parts", frame(1, "a", part(false)) + frame(1, "b"));
  bad("binary inside parts", frame(1, "a", part(false)) + frame(2, "b"));
  // UTF-8
  for (const std::string_view fine :
       {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbe", "\xc2\x80", "\xe0\xa0\x80"}) {
    good("utf-8", frame(1, fine), {1, std::string{fine}});
    std::string split;
    for (std::size_t i = 0; i < fine.size(); ++i)
      split += frame(i == 0 ? 1u : 0u, fine.substr(i, 1), part(i + 1 == fine.size()));
    good("utf-8 split", split, {1, std::string{fine}});
  }
  for (const std::string_view wrong :
       {"\xff", "\xfe", "\x80", "\xbf", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc2",
        "\xe1\xbd", "\xf0\x90\x80", "ok\xc1\xbf", "\xce\xba\xed\xa0\x80 edited"}) {
    bad("not utf-8", frame(1, wrong), 1007);
    std::string split;
    for (std::size_t i = 0; i < wrong.size(); ++i)
      split += frame(i == 0 ? 1u : 0u, wrong.substr(i, 1), part(i + 1 == wrong.size()));
    bad("not utf-8 split", split, 1007);
  }
  // Close frames: the code comes back.
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 3000u,
                              3999u, 4000u, 4409u, 4999u})
    bad("close " + std::to_string(code), close_frame(code, "why"), code);
  for (const unsigned code : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u})
    bad("close with " + std::to_string(code), close_frame(code, ""));
  bad("close with half a code", frame(8, "\x03"));
  bad("close without a code", frame(8, ""), 1000);
  bad("close with the longest reason", close_frame(1000, std::string(123, 'r')), 1000);
  return out;
}

} // namespace

CAF_TEST(every frame gets the answer of RFC 6455) {
  server s;
  const auto all = table();
  int wrong = 0;
  for (const auto& one : all)
    for (const bool bytewise : {false, true}) {
      if (bytewise && one.bytes.size() > 300)
        continue;
      ws_client_raw c{s.port};
      if (bytewise)
        for (const char byte : one.bytes)
          c.send({&byte, 1});
      else
        c.send(one.bytes);
      const auto got = c.read();
      bool good = false;
      if (one.close == 0) {
        good = got == one.answer;
      } else {
        good = got.opcode == 8;
        const auto code = got.payload.size() < 2 ? 1000u
                                                 : static_cast<unsigned char>(got.payload[0]) * 256u
                                                     + static_cast<unsigned char>(got.payload[1]);
        good = good && code == one.close;
      }
      if (!good) {
        ++wrong;
        CAF_MESSAGE("wrong: " << one.name << (bytewise ? " by bytes" : "") << " opcode "
                              << got.opcode);
      }
    }
  CAF_MESSAGE("probes: " << all.size());
  CAF_CHECK_EQUAL(wrong, 0);
  CAF_CHECK(s.empties());
}

CAF_TEST(on_close tells why) {
  server s;
  struct row {
    std::string bytes;
    std::string seen;
  };
  const std::vector<row> rows{
    {frame(3, "x"), "closed 1002"},
    {frame(1, "\xff"), "closed 1007"},
    {frame(2, std::string(70000, 'x')), "closed 1009"},
    {close_frame(4321, "mine"), "closed 4321 mine"},
    {frame(8, ""), "closed 1005"},
  };
  for (const auto& r : rows) {
    ws_client_raw c{s.port};
    c.send(r.bytes);
    CAF_CHECK(s.app->seen.wait_for(r.seen));
  }
  ws_client_raw c{s.port};
  c.hang_up();
  CAF_CHECK(s.app->seen.wait_for("closed 1006"));
}
