// SPDX-License-Identifier: Apache-2.0
// The benches' own viewer, run inside a browser page: no framework, every moment noted. Speaks the
// engine's contract, so it is the same for the daemon's proxy and for an engine without a daemon.
/* global window, document, performance, RTCPeerConnection, WebSocket, OffscreenCanvas, MediaStream */

window.bench = (() => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  /** Opens signaling at `url` and media; the moments are milliseconds of performance.now(). */
  function open(url, { width = 320, late_video = false } = {}) {
    const viewer = { frames: 0, log: [], opened_at: performance.now() };
    const socket = (viewer.socket = new WebSocket(url));
    const peer = (viewer.peer = new RTCPeerConnection({ iceServers: [] }));
    const say = (event, payload = {}) => socket.readyState === 1 && socket.send(JSON.stringify({ event, payload }));
    viewer.say = say;
    peer.onicecandidate = (event) => event.candidate && say("signal/candidate", event.candidate.toJSON());
    peer.onconnectionstatechange = () => {
      viewer.log.push(peer.connectionState);
      if (peer.connectionState !== "connected") return;
      viewer.connected_at = performance.now();
      if (late_video) say("signal/video", { disabled: false });
    };
    peer.ontrack = ({ track, receiver }) => {
      if (track.kind !== "video") return;
      receiver.jitterBufferTarget = 0;
      const video = (viewer.video = document.createElement("video"));
      Object.assign(video, { muted: true, autoplay: true, playsInline: true, width });
      video.srcObject = new MediaStream([track]);
      document.body.append(video);
      video.play().catch(() => {});
      const shown = () => {
        viewer.first_at ??= performance.now();
        viewer.frames += 1;
        viewer.on_frame?.(video);
        video.requestVideoFrameCallback(shown);
      };
      video.requestVideoFrameCallback(shown);
    };
    socket.onclose = (event) => viewer.log.push(`closed ${event.code} ${event.reason}`);
    const queued = [];
    socket.onmessage = async ({ data }) => {
      const { event, payload } = JSON.parse(data);
      viewer.log.push(event);
      if (event === "system/init") {
        viewer.requested_at = performance.now();
        say("signal/request", { video: late_video ? { disabled: true } : {}, audio: {} });
      } else if (event === "signal/provide" || event === "signal/offer") {
        await peer.setRemoteDescription({ type: "offer", sdp: payload.sdp });
        for (const one of queued.splice(0)) await peer.addIceCandidate(one).catch(() => {});
        await peer.setLocalDescription(await peer.createAnswer());
        say("signal/answer", { sdp: peer.localDescription.sdp });
      } else if (event === "signal/candidate") {
        if (peer.remoteDescription) await peer.addIceCandidate(payload).catch(() => {});
        else queued.push(payload);
      }
    };
    return viewer;
  }

  async function first_frame(viewer, limit_ms = 10_000) {
    const end = performance.now() + limit_ms;
    while (viewer.first_at === undefined && performance.now() < end) await pause(2);
    if (viewer.first_at === undefined) throw new Error(`no frame within ${limit_ms} ms: ${viewer.log.join(", ")}`);
    return { open: viewer.first_at - viewer.opened_at, request: viewer.first_at - viewer.requested_at, connected: viewer.connected_at - viewer.requested_at };
  }

  function close(viewer) {
    viewer.socket.close(1000);
    viewer.peer.close();
    if (viewer.video) {
      viewer.video.srcObject = null;
      viewer.video.remove();
    }
  }

  /** Notes when the square of bench/screen.cpp changes: [wall clock in ms, colour]. */
  function watch_flips(viewer) {
    const canvas = new OffscreenCanvas(4, 4).getContext("2d", { willReadFrequently: true });
    const seen = (viewer.flips = []);
    let last = -1;
    viewer.on_frame = (video) => {
      canvas.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 4, 4, 0, 0, 4, 4);
      const [, green, blue] = canvas.getImageData(1, 1, 1, 1).data;
      const colour = green > 140 && blue < 120 ? 1 : blue > 140 && green < 120 ? 0 : -1;
      if (colour < 0 || colour === last) return;
      last = colour;
      seen.push([performance.timeOrigin + performance.now(), colour]);
    };
  }

  async function stats(viewer) {
    for (const row of (await viewer.peer.getStats()).values())
      if (row.type === "inbound-rtp" && row.kind === "video")
        return { decoded: row.framesDecoded, lost: row.packetsLost, keys: row.keyFramesDecoded, plis: row.pliCount, bytes: row.bytesReceived, freezes: row.freezeCount };
    return {};
  }

  return { open, first_frame, close, watch_flips, stats, pause, viewers: [] };
})();
