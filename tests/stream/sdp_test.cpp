// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE sdp

#include "stream/sdp.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <random>

using namespace holt::stream;

namespace {

const std::string print = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:"
                          "18:19:1A:1B:1C:1D:1E:1F";

// As Chromium answers, shortened.
std::string good_answer() {
  const std::string transport = "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
                                "a=ice-pwd:0123456789012345678901234\r\na=ice-options:trickle\r\n"
                                "a=fingerprint:sha-256 "
                                + print + "\r\na=setup:active\r\n";
  return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
         + transport + "a=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
         + "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" + transport
         + "a=mid:1\r\n"
           "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
           "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
           "a=recvonly\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n"
         + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" + transport
         + "a=mid:2\r\na=sctp-port:5000\r\n";
}

std::string replaced(std::string text, std::string_view what, std::string_view with,
                     bool all = false) {
  std::size_t at = 0;
  while ((at = text.find(what, at)) != std::string::npos) {
    text.replace(at, what.size(), with);
    at += with.size();
    if (!all)
      break;
  }
  return text;
}

std::string reason(const std::string& sdp) {
  auto out = parse_answer(sdp);
  return out ? "taken" : out.error().detail;
}

} // namespace

CAF_TEST(an answer as a browser writes it is taken) {
  auto out = parse_answer(good_answer());
  CAF_REQUIRE(out);
  CAF_CHECK_EQUAL(to_text(out->certificate), print);
  CAF_CHECK_EQUAL(out->ufrag, "abcd");
  CAF_CHECK(out->audio);
  CAF_CHECK(out->rtx);
  CAF_CHECK(out->extensions == (rtp_extensions{true, true}));
}

CAF_TEST(line ends without a carriage return are taken) {
  CAF_CHECK_EQUAL(reason(replaced(good_answer(), "\r\n", "\n", true)), "taken");
}

CAF_TEST(what the answer leaves out is not sent) {
  auto out = parse_answer(
    replaced(replaced(good_answer(), "SAVPF 96 97", "SAVPF 96"), "a=extmap:5", "a=extmap:6"));
  CAF_REQUIRE(out);
  CAF_CHECK(!out->rtx);
  CAF_CHECK(out->extensions == (rtp_extensions{true, false}));
  auto silent = parse_answer(replaced(good_answer(), "m=audio 9", "m=audio 0"));
  CAF_REQUIRE(silent);
  CAF_CHECK(!silent->audio);
}

CAF_TEST(each kind of bad answer is refused with its reason) {
  auto good = good_answer();
  const std::string begin = "answer refused: ";
  CAF_CHECK_EQUAL(reason(""), begin + "it is not a session description");
  CAF_CHECK_EQUAL(reason(std::string{"v=0\r\nxx\r\n\0\1garbage", 18}),
                  begin + "it has 0 m-lines instead of 3");
  CAF_CHECK_EQUAL(reason(good.substr(0, 300)), begin + "the fingerprint is not a sha-256");
  CAF_CHECK_EQUAL(reason(replaced(good, "a=fingerprint:sha-256", "a=nothing:", true)),
                  begin + "it has no fingerprint");
  CAF_CHECK_EQUAL(reason(replaced(good, "sha-256 00:", "sha-256 FF:")),
                  begin + "more than one fingerprint");
  CAF_CHECK_EQUAL(reason(replaced(good, "sha-256", "sha-1", true)),
                  begin + "the fingerprint is not a sha-256");
  CAF_CHECK_EQUAL(reason(replaced(good, "setup:active", "setup:passive")),
                  begin + "setup is not active");
  CAF_CHECK_EQUAL(reason(replaced(good, "a=setup:active\r\n", "", true)),
                  begin + "setup is not active");
  CAF_CHECK_EQUAL(reason(good.substr(0, good.find("m=video"))),
                  begin + "it has 1 m-lines instead of 3");
  CAF_CHECK_EQUAL(reason(good + "a=" + std::string(200'000, 'x')),
                  begin + "it is larger than 64 KiB");
  CAF_CHECK_EQUAL(reason(replaced(good, "m=video 9", "m=video 0")), begin + "video is rejected");
  CAF_CHECK_EQUAL(reason(replaced(good, "SAVPF 96 97", "SAVPF 98")), begin + "VP8 is rejected");
  CAF_CHECK_EQUAL(reason(replaced(good, "a=mid:1", "a=mid:9")), begin + "m-line 1 has another mid");
  CAF_CHECK_EQUAL(reason(replaced(good, "m=application 9", "m=application 0")),
                  begin + "the data channel is rejected");
  CAF_CHECK_EQUAL(reason(replaced(good, "a=ice-ufrag:abcd", "a=ice-ufrag:abc", true)),
                  begin + "bad ice-ufrag");
  CAF_CHECK_EQUAL(reason(good + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), begin + "bad m-lines");
}

CAF_TEST(the offer names every address in order and the fixed formats) {
  offer_input in;
  in.session_id = 7;
  in.ufrag = "uuuuuuuu";
  in.password = "pppppppppppppppppppppppp";
  in.candidates
    = {{"192.0.2.1", 4659, false}, {"127.0.0.1", 4659, false}, {"192.0.2.1", 4659, true}};
  in.ssrcs = {11, 22, 33};
  in.cname = "cc";
  auto sdp = write_offer(in);
  auto has = [&](std::string_view line) { return sdp.find(line) != std::string::npos; };
  CAF_CHECK(sdp.starts_with("v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\n"));
  CAF_CHECK(has("a=group:BUNDLE 0 1 2\r\na=ice-lite\r\n"));
  CAF_CHECK(has("a=candidate:1 1 udp 2130706431 192.0.2.1 4659 typ host\r\n"
                "a=candidate:2 1 udp 2130706175 127.0.0.1 4659 typ host\r\n"
                "a=candidate:3 1 tcp 1526726143 192.0.2.1 4659 typ host tcptype passive\r\n"
                "a=end-of-candidates\r\n"));
  CAF_CHECK(has("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
  CAF_CHECK(has("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"));
  CAF_CHECK(has("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
  CAF_CHECK(has("a=ssrc-group:FID 22 33\r\n"));
  CAF_CHECK(has("a=rtcp-fb:96 goog-remb\r\n"));
  CAF_CHECK(!has("transport-cc"));
  for (std::size_t at = 0; (at = sdp.find('\n', at)) != std::string::npos; ++at)
    CAF_REQUIRE(at > 0 && sdp[at - 1] == '\r');
}

CAF_TEST(random changes of an answer never crash the parser) {
  auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  const auto good = good_answer();
  for (int i = 0; i < 5'000; ++i) {
    auto text = good;
    for (int k = 0; k < 8; ++k) {
      auto at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = static_cast<char>(random());
      else
        text.erase(at, random() % 20);
    }
    (void)parse_answer(text);
  }
}
