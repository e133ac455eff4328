// SPDX-License-Identifier: Apache-2.0
#include "stream/sdp.hpp"

#include <charconv>
#include <optional>
#include <sstream>

namespace holt::stream {

namespace {

constexpr std::array<std::string_view, 3> kinds{"audio", "video", "application"};

void write_transport(std::ostream& out, const offer_input& in, std::size_t mid) {
  out << "c=IN IP4 0.0.0.0\r\n"
      << "a=ice-ufrag:" << in.ufrag << "\r\na=ice-pwd:" << in.password << "\r\n"
      << "a=fingerprint:sha-256 " << to_text(in.certificate) << "\r\n"
      << "a=setup:actpass\r\na=mid:" << mid << "\r\n";
}

void write_candidates(std::ostream& out, const offer_input& in) {
  // Type preference 126 for UDP and 90 for TCP; earlier addresses are preferred (RFC 8445, 5.1.2).
  std::uint32_t local = 65535;
  unsigned foundation = 1;
  for (const auto& one : in.candidates) {
    std::uint32_t type = one.tcp ? 90 : 126;
    auto priority = type << 24 | local << 8 | 255U;
    out << "a=candidate:" << foundation++ << " 1 " << (one.tcp ? "tcp " : "udp ") << priority << ' '
        << one.address << ' ' << one.port << " typ host" << (one.tcp ? " tcptype passive" : "")
        << "\r\n";
    --local;
  }
  out << "a=end-of-candidates\r\n";
}

void write_source(std::ostream& out, std::uint32_t ssrc, const offer_input& in,
                  std::string_view track) {
  out << "a=ssrc:" << ssrc << " cname:" << in.cname << "\r\n"
      << "a=ssrc:" << ssrc << " msid:stream " << track << "\r\n";
}

/// One m-line of an answer with the lines that follow it.
struct section {
  std::string_view kind;
  std::string_view port;
  std::vector<std::string_view> formats;
  std::vector<std::string_view> attributes; ///< without "a="
};

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    auto space = line.find(' ');
    auto word = line.substr(0, space);
    if (!word.empty())
      out.push_back(word);
    line = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  }
  return out;
}

std::optional<std::string_view> after(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return std::nullopt;
  return text.substr(prefix.size());
}

bool has(const std::vector<std::string_view>& list, std::string_view what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

std::optional<fingerprint> parse_fingerprint(std::string_view text) {
  fingerprint out{};
  if (text.size() != out.size() * 3 - 1)
    return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto pair = text.substr(i * 3, 2);
    auto [end, failed] = std::from_chars(pair.data(), pair.data() + 2, out[i], 16);
    if (failed != std::errc{} || end != pair.data() + 2
        || (i + 1 < out.size() && text[i * 3 + 2] != ':'))
      return std::nullopt;
  }
  return out;
}

error refused(std::string why) {
  return {errc::invalid_request, "answer refused: " + std::move(why)};
}

/// Attributes that may stand at the session or at a section and must agree.
struct shared_facts {
  std::optional<fingerprint> certificate;
  std::optional<std::string_view> ufrag;
  std::optional<std::string_view> password;
  bool active = false;
};

template <class T>
bool agree(std::optional<T>& known, const T& seen) {
  if (known)
    return *known == seen;
  known = seen;
  return true;
}

result<void> read_shared(std::string_view line, shared_facts& out) {
  if (auto v = after(line, "fingerprint:")) {
    auto parts = words(*v);
    auto value = parts.size() == 2 && (parts[0] == "sha-256" || parts[0] == "SHA-256")
                   ? parse_fingerprint(parts[1])
                   : std::nullopt;
    if (!value)
      return refused("the fingerprint is not a sha-256");
    if (!agree(out.certificate, *value))
      return refused("more than one fingerprint");
  } else if (auto setup = after(line, "setup:")) {
    if (*setup != "active")
      return refused("setup is not active");
    out.active = true;
  } else if (auto ufrag = after(line, "ice-ufrag:")) {
    if (ufrag->size() < 4 || ufrag->size() > 256 || !agree(out.ufrag, *ufrag))
      return refused("bad ice-ufrag");
  } else if (auto password = after(line, "ice-pwd:")) {
    if (password->size() < 22 || password->size() > 256 || !agree(out.password, *password))
      return refused("bad ice-pwd");
  }
  return {};
}

bool takes(const section& s) {
  return s.port != "0" && !has(s.attributes, "inactive") && !has(s.attributes, "sendonly");
}

result<void> check_sections(const std::vector<section>& sections) {
  if (sections.size() != kinds.size())
    return refused("it has " + std::to_string(sections.size()) + " m-lines instead of 3");
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (sections[i].kind != kinds[i])
      return refused("m-line " + std::to_string(i) + " is not " + std::string{kinds[i]});
    auto mid = "mid:" + std::to_string(i);
    if (sections[i].port != "0" && !has(sections[i].attributes, mid))
      return refused("m-line " + std::to_string(i) + " has another mid");
  }
  const auto& video = sections[1];
  if (!takes(video))
    return refused("video is rejected");
  if (!has(video.formats, std::to_string(video_payload_type)))
    return refused("VP8 is rejected");
  if (sections[2].port == "0")
    return refused("the data channel is rejected");
  return {};
}

rtp_extensions read_extensions(const section& video) {
  rtp_extensions out;
  for (auto line : video.attributes)
    if (auto v = after(line, "extmap:")) {
      auto parts = words(*v);
      if (parts.size() < 2)
        continue;
      auto id = parts[0].substr(0, parts[0].find('/'));
      if (id == std::to_string(abs_send_time_id) && parts[1].ends_with("/abs-send-time"))
        out.abs_send_time = true;
      if (id == std::to_string(playout_delay_id) && parts[1].ends_with("/playout-delay"))
        out.playout_delay = true;
    }
  return out;
}

} // namespace

std::string to_text(const fingerprint& value) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (auto byte : value) {
    if (!out.empty())
      out += ':';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string write_offer(const offer_input& in) {
  std::ostringstream out;
  out << "v=0\r\no=- " << in.session_id << " 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      << "a=group:BUNDLE 0 1 2\r\na=ice-lite\r\na=extmap-allow-mixed\r\n"
      << "a=msid-semantic: WMS stream\r\n";

  out << "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
  write_transport(out, in, 0);
  write_candidates(out, in);
  out << "a=rtcp-mux\r\na=rtcp-rsize\r\na=sendonly\r\na=msid:stream audio\r\n"
      << "a=rtpmap:111 opus/48000/2\r\n"
      << "a=fmtp:111 minptime=20;useinbandfec=1;stereo=1;sprop-stereo=1\r\n";
  write_source(out, in.ssrcs.audio, in, "audio");

  // goog-remb and abs-send-time without transport-cc: then Chromium reports its own estimate of
  // the bandwidth, and we need no algorithm for it.
  out << "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n";
  write_transport(out, in, 1);
  out << "a=rtcp-mux\r\na=rtcp-rsize\r\na=sendonly\r\na=msid:stream video\r\n"
      << "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
      << "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n"
      << "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 ccm fir\r\n"
      << "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
      << "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
      << "a=ssrc-group:FID " << in.ssrcs.video << ' ' << in.ssrcs.rtx << "\r\n";
  write_source(out, in.ssrcs.video, in, "video");
  write_source(out, in.ssrcs.rtx, in, "video");

  out << "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
  write_transport(out, in, 2);
  out << "a=sctp-port:5000\r\na=max-message-size:262144\r\n";
  return std::move(out).str();
}

result<answer> parse_answer(std::string_view sdp) {
  if (sdp.size() > largest_answer)
    return refused("it is larger than 64 KiB");
  if (!sdp.starts_with("v=0\r\n") && !sdp.starts_with("v=0\n"))
    return refused("it is not a session description");
  std::vector<section> sections;
  shared_facts facts;
  while (!sdp.empty()) {
    auto end = sdp.find('\n');
    auto line = sdp.substr(0, end);
    sdp = end == std::string_view::npos ? std::string_view{} : sdp.substr(end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (auto m = after(line, "m=")) {
      auto parts = words(*m);
      if (parts.size() < 4 || sections.size() == kinds.size())
        return refused("bad m-lines");
      sections.push_back({parts[0], parts[1], {parts.begin() + 3, parts.end()}, {}});
    } else if (auto a = after(line, "a=")) {
      // A rejected section's own lines mean nothing.
      if (sections.empty() || sections.back().port != "0")
        if (auto read = read_shared(*a, facts); !read)
          return read.error();
      if (!sections.empty())
        sections.back().attributes.push_back(*a);
    }
  }
  if (auto checked = check_sections(sections); !checked)
    return checked.error();
  if (!facts.certificate)
    return refused("it has no fingerprint");
  if (!facts.active)
    return refused("setup is not active");
  if (!facts.ufrag || !facts.password)
    return refused("it has no ICE credentials");
  answer out;
  out.certificate = *facts.certificate;
  out.ufrag = std::string{*facts.ufrag};
  out.password = std::string{*facts.password};
  out.audio = takes(sections[0]) && has(sections[0].formats, std::to_string(audio_payload_type));
  out.rtx = has(sections[1].formats, std::to_string(rtx_payload_type));
  out.extensions = read_extensions(sections[1]);
  return out;
}

} // namespace holt::stream
