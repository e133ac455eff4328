// SPDX-License-Identifier: Apache-2.0
// Runs in a browser tab of its own: real WebRTC with a drawn desktop, a tone, and the data
// channel, for pages that are connected to the fake daemon.
const socket = new WebSocket(`ws://${location.host}/fake/engine`);
const canvas = document.querySelector('canvas');
const ink = canvas.getContext('2d');
const peers = new Map();
let typed = '';
const pointer = { x: 640, y: 360 };

function draw(now) {
  const { width: w, height: h } = canvas;
  const sky = ink.createLinearGradient(0, 0, 0, h);
  sky.addColorStop(0, '#284b63');
  sky.addColorStop(1, '#3c6e71');
  ink.fillStyle = sky;
  ink.fillRect(0, 0, w, h);
  ink.fillStyle = '#f4f1ea';
  ink.fillRect(w * 0.12, h * 0.14, w * 0.5, h * 0.6);
  ink.fillStyle = '#353b40';
  ink.fillRect(w * 0.12, h * 0.14, w * 0.5, 34);
  ink.fillStyle = '#ffffff';
  ink.font = '18px sans-serif';
  ink.fillText('Notes', w * 0.12 + 14, h * 0.14 + 23);
  ink.fillStyle = '#23282b';
  ink.font = '20px monospace';
  ink.fillText(`typed: ${typed}`, w * 0.12 + 20, h * 0.14 + 80);
  ink.fillText(`frame time ${Math.round(now)}`, w * 0.12 + 20, h * 0.14 + 112);
  ink.fillStyle = '#20262a';
  ink.fillRect(0, h - 40, w, 40);
  ink.fillStyle = '#d8dee2';
  ink.font = '16px sans-serif';
  ink.fillText('Menu    Terminal    Files    Browser', 18, h - 14);
  ink.fillStyle = '#e0a458';
  ink.beginPath();
  ink.arc(w * 0.8, h * 0.35 + Math.sin(now / 600) * 60, 46, 0, 7);
  ink.fill();
}
setInterval(() => draw(performance.now()), 33);

const picture = canvas.captureStream(30);
const audio = new AudioContext();
const tone = audio.createOscillator();
const volume = audio.createGain();
volume.gain.value = 0.02;
const out = audio.createMediaStreamDestination();
tone.connect(volume).connect(out);
tone.start();

async function cursor_message() {
  const small = new OffscreenCanvas(20, 20);
  const c = small.getContext('2d');
  c.fillStyle = '#fff';
  c.strokeStyle = '#000';
  c.beginPath();
  c.moveTo(1, 1); c.lineTo(1, 16); c.lineTo(5, 12); c.lineTo(12, 12); c.closePath();
  c.fill(); c.stroke();
  const png = new Uint8Array(await (await small.convertToBlob()).arrayBuffer());
  const view = new DataView(new ArrayBuffer(11 + png.length));
  view.setUint8(0, 2); view.setUint16(1, 11 + png.length);
  view.setUint16(3, 20); view.setUint16(5, 20); view.setUint16(7, 1); view.setUint16(9, 1);
  new Uint8Array(view.buffer).set(png, 11);
  return view.buffer;
}

function on_input(viewer, channel, data) {
  const view = new DataView(data);
  const operation = view.getUint8(0);
  if (operation === 7) {
    const pong = new DataView(new ArrayBuffer(19));
    pong.setUint8(0, 3); pong.setUint16(1, 19);
    pong.setUint32(3, view.getUint32(3)); pong.setUint32(7, view.getUint32(7));
    channel.send(pong.buffer);
    return;
  }
  const input = { operation, bytes: [...new Uint8Array(data)] };
  if (operation === 1) { pointer.x = view.getUint16(3); pointer.y = view.getUint16(5); }
  if (operation === 3) {
    const keysym = view.getUint32(3);
    if (keysym === 0xff08) typed = typed.slice(0, -1);
    else if (keysym < 0x100) typed += String.fromCharCode(keysym);
    else if (keysym >= 0x1000000) typed += String.fromCodePoint(keysym - 0x1000000);
  }
  socket.send(JSON.stringify({ viewer, event: 'fake/input', payload: input }));
}

async function request(viewer) {
  peers.get(viewer)?.close();
  const peer = new RTCPeerConnection();
  peers.set(viewer, peer);
  const tell = (event, payload) => socket.send(JSON.stringify({ viewer, event, payload }));
  const stream = new MediaStream();
  peer.addTrack(out.stream.getAudioTracks()[0], stream);
  peer.addTrack(picture.getVideoTracks()[0], stream);
  const channel = peer.createDataChannel('data');
  channel.binaryType = 'arraybuffer';
  channel.onopen = async () => {
    channel.send(await cursor_message());
    const timer = setInterval(() => {
      if (channel.readyState !== 'open') { clearInterval(timer); return; }
      const at = new DataView(new ArrayBuffer(7));
      at.setUint8(0, 1); at.setUint16(1, 7);
      at.setUint16(3, 900 + Math.round(Math.cos(performance.now() / 900) * 80)); at.setUint16(5, 420);
      channel.send(at.buffer);
    }, 100);
  };
  channel.onmessage = (event) => on_input(viewer, channel, event.data);
  peer.onicecandidate = (event) => event.candidate && tell('signal/candidate', event.candidate.toJSON());
  const offer = await peer.createOffer();
  await peer.setLocalDescription(offer); // candidates go out before the offer does, as with neko
  setTimeout(() => tell('signal/provide', { sdp: peer.localDescription.sdp, iceservers: [], video: {}, audio: {} }), 20);
}

socket.onmessage = async (message) => {
  const { viewer, event, payload } = JSON.parse(message.data);
  const peer = peers.get(viewer);
  if (event === 'signal/request') await request(viewer);
  else if (event === 'signal/answer') await peer?.setRemoteDescription({ type: 'answer', sdp: payload.sdp });
  else if (event === 'signal/candidate') await peer?.addIceCandidate(payload).catch(() => undefined);
  else if (event === 'fake/gone') { peer?.close(); peers.delete(viewer); }
};
socket.onopen = () => { document.title = 'engine ready'; };
