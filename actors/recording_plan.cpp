// SPDX-License-Identifier: Apache-2.0
#include "actors/recording_plan.hpp"

#include "messages/supervision.hpp"

namespace holt {

namespace {

using std::to_string;

constexpr unsigned keyframe_seconds = 2;
/// A killed ffmpeg or daemon costs this much of the end, at most.
constexpr const char* fragment_microseconds = "1000000";

void add(std::vector<std::string>& to, std::initializer_list<std::string> more) {
  to.insert(to.end(), more);
}

std::string size_text(unsigned width, unsigned height) {
  return to_string(width) + "x" + to_string(height);
}

} // namespace

std::vector<std::string> ffmpeg_arguments(const recording_run& how) {
  std::vector<std::string> out{"-nostdin",  "-hide_banner", "-nostats",
                               "-loglevel", "warning",      "-y"};
  // Without the first it looks at the screen for two seconds before it begins.
  add(out, {"-fpsprobesize", "0", "-thread_queue_size", "64", "-f", "x11grab", "-framerate",
            to_string(how.fps), "-video_size", size_text(how.screen_width, how.screen_height),
            "-draw_mouse", "1", "-i", how.display + ".0"});
  if (how.sound && how.sound_there)
    add(out, {"-thread_queue_size", "1024", "-f", "pulse", "-sample_rate", "48000", "-channels",
              "2", "-i", "audio_output.monitor"});
  else if (how.sound)
    add(out, {"-re", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo"});
  add(out, {"-map", "0:v:0"});
  if (how.sound)
    add(out, {"-map", "1:a:0", "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2"});
  const auto width = to_string(how.width);
  const auto height = to_string(how.height);
  // The same chain in every part: their headers must be alike. Players take a large picture for
  // BT.709 when nothing is said, and ffmpeg makes BT.601: without both, the colours are others.
  add(out, {"-vf", "scale=w=" + width + ":h=" + height
                     + ":force_original_aspect_ratio=decrease:force_divisible_by=2"
                       ":out_color_matrix=bt709:out_range=tv,format=yuv420p,pad="
                     + width + ":" + height + ":(ow-iw)/2:(oh-ih)/2,setsar=1"});
  add(out, {"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
            "-color_range", "tv"});
  add(out,
      {"-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-pix_fmt", "yuv420p", "-g",
       to_string(how.fps * keyframe_seconds), "-threads", "2", "-video_track_timescale", "90000"});
  add(out, {"-movflags", "+empty_moov+default_base_moof+skip_trailer", "-frag_duration",
            fragment_microseconds, "-flush_packets", "1", "-t", to_string(how.seconds), "-fs",
            to_string(how.bytes), "-f", "mp4", "file:" + how.path});
  return out;
}

run_verdict judge(const supervision::exited& what, const recording_limits& limits,
                  std::chrono::milliseconds recorded, std::uint64_t bytes,
                  std::uint64_t bytes_allowed) {
  const bool clean = what.cause == death_cause::exit && what.code == 0;
  // The clock of the pictures and ours do not begin at the same moment.
  if (clean && recorded + std::chrono::seconds{2} >= std::chrono::seconds{limits.max_seconds})
    return {run_end::limit,
            "recording.max_seconds (" + to_string(limits.max_seconds) + ") was reached"};
  if (clean && bytes >= bytes_allowed - bytes_allowed / 8)
    return {run_end::limit,
            bytes_allowed < limits.max_bytes
              ? "recording.max_total_bytes (" + to_string(limits.max_total_bytes) + ") was reached"
              : "recording.max_bytes (" + to_string(limits.max_bytes) + ") was reached"};
  if (what.cause == death_cause::signal)
    return {run_end::died, "ffmpeg was ended by signal " + to_string(what.code)};
  return {run_end::died, "ffmpeg ended with code " + to_string(what.code)};
}

} // namespace holt
