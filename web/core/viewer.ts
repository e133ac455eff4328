// SPDX-License-Identifier: Apache-2.0
// The live desktop: one signaling socket, one media connection, and the way back after every
// loss. It owns ViewerState and all waits; each wait has a limit and each state a reason in words
// (`driving` keeps who drives). It touches no document: the app shows what it says and feeds it
// input.

import { backoff_delay } from './backoff.ts';
import { Timers } from './clock.ts';
import { encode_button, encode_key, encode_move, encode_scroll } from './codec.ts';
import type { ServerMessage } from './codec.ts';
import { Driving, undriven } from './driving.ts';
import type { MediaDeps, MediaOwner } from './media.ts';
import { Media } from './media.ts';
import type { AfterClose, Words } from './reasons.ts';
import { meaning_of_close, sentence, words_of_error } from './reasons.ts';
import type { MakeSocket, Payload } from './signaling.ts';
import { Signaling } from './signaling.ts';
import { Store } from './store.ts';
import type { ViewerState } from './viewer_state.ts';
import { count, initial_viewer_state, screen_of, text } from './viewer_state.ts';

/** Why a socket could not even open: asked over HTTP, which can tell more. */
export interface Diagnosis extends Words {
  readonly then: AfterClose;
}

export interface ViewerDeps extends MediaDeps {
  readonly url: string;
  readonly make_socket: MakeSocket;
  readonly random: () => number;
  diagnose(): Promise<Diagnosis | undefined>;
}

export interface ViewerHooks {
  track(kind: string, track: MediaStreamTrack, streams: readonly MediaStream[]): void;
  /** Before the media goes: keep the last picture. */
  before_drop(): void;
  /** Control is about to go: every key and button up, while that can still be said. */
  release_input(): void;
  signed_out(reason: string): void;
}

const limits = {
  session_ms: 250, // how long holt/session may come after system/init
  init_ms: 20_000, // the daemon waits up to 15 s for the engine
  stable_ms: 8_000,
} as const;

export class Viewer {
  readonly state = new Store<ViewerState>(initial_viewer_state);
  readonly driving: Driving;
  readonly #deps: ViewerDeps;
  readonly #hooks: ViewerHooks;
  readonly #timers: Timers;
  #signaling: Signaling | undefined;
  readonly #media: Media;
  #farewell = '';
  #notices = 0;
  #initialised = false;

  constructor(deps: ViewerDeps, hooks: ViewerHooks) {
    this.#deps = deps;
    this.#hooks = hooks;
    this.#timers = new Timers(deps.clock);
    this.#media = new Media(deps, this.#as_owner());
    this.driving = new Driving(this.state, {
      send: (event, payload) => this.#signaling?.send(event, payload) ?? false,
      release_input: () => this.#hooks.release_input(),
      forget_early_input: () => this.#media.forget_early_input(),
      notice: (words) => this.#notice(words),
    });
  }

  get connection(): RTCPeerConnection | undefined {
    return this.#media.connection;
  }

  start(): void {
    const { phase } = this.state.get();
    if (phase === 'idle' || phase === 'ended') this.#connect();
  }

  /** For good: signed out or the page goes. */
  stop(): void {
    this.#let_go();
    this.state.patch({ ...initial_viewer_state, phase: 'ended', title: 'Signed out' });
  }

  /** The person does not want to wait, or the network came back. */
  retry_now(): void {
    const { phase } = this.state.get();
    if (phase === 'retrying' || phase === 'failed' || phase === 'stopped') this.#connect();
  }

  /** The person wants no further attempts for now. */
  cancel_retry(): void {
    if (this.state.get().phase !== 'retrying') return;
    this.#timers.clear_all();
    this.#say('failed', 'Not connected', 'Reconnecting was cancelled.');
  }

  /** The app has shown a picture of the present media connection. */
  frame_shown(): void {
    this.#media.frame_shown();
  }

  set_clipboard(value: string): boolean {
    return this.#signaling?.send('clipboard/set', { text: value }) ?? false;
  }

  // ---- input: nothing is sent without control
  get may_drive(): boolean {
    return this.state.get().control.you && this.#media.takes_input;
  }

  move(x: number, y: number): void {
    if (this.may_drive) this.#media.send(encode_move(x, y), true);
  }

  button(down: boolean, button: number): void {
    if (button > 0 && this.may_drive) this.#media.send(encode_button(down, button));
  }

  scroll(left: number, up: number, control_held: boolean): void {
    if ((left !== 0 || up !== 0) && this.may_drive)
      this.#media.send(encode_scroll(left, up, control_held));
  }

  key(down: boolean, keysym: number): void {
    if (this.may_drive) this.#media.send(encode_key(down, keysym));
  }

  // ---- connecting

  #connect(): void {
    this.#let_go();
    this.#farewell = '';
    this.#initialised = false;
    this.#media.begin();
    this.state.patch({ attempt: this.state.get().attempt + 1, addresses: [] });
    this.#say('connecting', 'Connecting to Holt', '');
    this.#signaling = new Signaling(this.#deps.url, this.#deps.make_socket, this.#deps.clock, {
      opened: () => {
        this.#say('connecting', 'Connected to Holt', 'Opening the stream engine’s session.');
        this.#timers.set('init', limits.init_ms, () =>
          this.#lose(words_of_error('engine_no_answer', 'it did not begin the session within 20 s')),
        );
      },
      event: (name, payload) => this.#on_event(name, payload),
      closed: (code, reason, opened) => this.#on_closed(code, reason, opened),
    });
  }

  #on_closed(code: number, reason: string, opened: boolean): void {
    const meaning = meaning_of_close(code, this.#farewell || reason);
    if (opened || code !== 1006) {
      this.#lose(meaning, meaning.then);
      return;
    }
    this.#media.drop();
    this.#signaling = undefined;
    const attempt = this.state.get().attempt;
    void this.#deps.diagnose().then((found) => {
      const { phase } = this.state.get();
      if (phase !== 'connecting' || attempt !== this.state.get().attempt) return;
      if (found) this.#lose(found, found.then);
      else this.#lose(meaning);
    });
  }

  /** The one way out of a connection: media dropped, reason shown, next step decided. */
  #lose(words: Words, then: AfterClose = 'retry'): void {
    this.#let_go();
    if (then === 'sign_in') {
      this.#say('ended', words.title, words.detail);
      this.#hooks.signed_out(words.detail || words.title);
    } else if (then === 'stopped') {
      this.#say('stopped', words.title, words.detail);
    } else {
      const attempt = then === 'retry_soon' ? 1 : Math.max(this.state.get().attempt, 1);
      const delay = backoff_delay(attempt, this.#deps.random);
      this.state.patch({ retry_at_ms: this.#deps.clock.now() + delay });
      this.#say('retrying', words.title, words.detail);
      this.#timers.set('retry', delay, () => this.#connect());
    }
  }

  #let_go(): void {
    this.#timers.clear_all();
    this.#media.drop();
    this.#signaling?.close();
    this.#signaling = undefined;
    this.state.patch({ ...undriven, retry_at_ms: undefined });
  }

  // ---- events of the daemon and the engine

  #on_event(name: string, payload: Payload): void {
    switch (name) {
      case 'holt/waiting':
        this.#timers.set('init', limits.init_ms, () =>
          this.#lose(words_of_error('engine_no_answer', 'it was not ready within 20 s')),
        );
        this.#say(
          'waiting',
          'Waiting for the stream engine',
          `${sentence(text(payload.reason)) || 'It is starting.'} ${Math.round(count(payload.elapsedMs) / 1000)} s so far.`,
        );
        return;
      case 'system/init':
        this.#on_init(payload);
        return;
      case 'holt/session':
        this.state.patch({
          session_id: text(payload.id) || this.state.get().session_id,
          name: text(payload.name, 80),
          can_control: payload.canControl === true,
          engine: text(payload.engine, 40),
          engine_version: text(payload.engineVersion, 60),
        });
        if (this.#initialised && !this.#media.asked) this.#request();
        return;
      case 'holt/control':
        this.driving.told(payload);
        return;
      case 'holt/control_request':
        this.driving.asked(payload);
        return;
      case 'holt/error':
        this.#on_error(payload);
        return;
      case 'system/settings':
        this.#signaling?.set_heartbeat(count(payload.heartbeat_interval));
        return;
      case 'system/disconnect':
        this.#farewell = text(payload.message);
        return;
      case 'screen/updated':
        this.state.patch({ screen: screen_of(payload) ?? this.state.get().screen });
        return;
      case 'clipboard/updated':
        this.state.patch({ clipboard: text(payload.text, 1_048_576) });
        return;
      case 'signal/provide':
      case 'signal/offer':
      case 'signal/restart':
        this.#media.offer(payload);
        return;
      case 'signal/candidate':
        this.#media.candidate(payload);
        return;
      case 'signal/close':
        this.#media.closed_by_engine(payload);
        return;
      default: // signal/video, session/*, system/heartbeat and what newer engines say
    }
  }

  #on_init(payload: Payload): void {
    this.#timers.clear('init');
    this.#initialised = true;
    const settings = (payload.settings ?? {}) as Payload;
    this.#signaling?.set_heartbeat(count(settings.heartbeat_interval));
    const sessions = payload.sessions;
    this.state.patch({
      session_id: text(payload.session_id),
      screen: screen_of(payload.screen_size),
      viewers: typeof sessions === 'object' && sessions !== null ? Object.keys(sessions).length : 0,
    });
    this.#say('negotiating', 'Asking for the video', '');
    if (this.state.get().engine !== '') this.#request();
    else this.#timers.set('session', limits.session_ms, () => this.#request());
  }

  #on_error(payload: Payload): void {
    const code = text(payload.code, 60);
    const words = words_of_error(code, text(payload.detail));
    const addresses = Array.isArray(payload.addresses)
      ? (payload.addresses as unknown[]).map((a) => text(a, 100)).filter((a) => a !== '').slice(0, 16)
      : [];
    if (!/^(engine|stream)_/.test(code)) {
      this.driving.refused();
      this.#notice(words.detail === '' ? words.title : `${words.title}: ${words.detail}`);
      return;
    }
    if (payload.retryable === false) {
      this.#let_go();
      this.#say('failed', words.title, words.detail);
    } else {
      this.#lose(words);
    }
    this.state.patch({ addresses });
  }

  // ---- media

  #request(): void {
    this.#timers.clear('session');
    this.#media.request(this.state.get().engine === 'neko');
  }

  /** What the media half tells its owner. */
  #as_owner(): MediaOwner {
    return {
      send: (event, payload) => this.#signaling?.send(event, payload) ?? false,
      step: (title) => this.#say('negotiating', title, ''),
      live: (first_frame_ms) => {
        this.state.patch({ first_frame_ms, addresses: [] });
        this.#say('live', 'Live', '');
        this.#timers.set('stable', limits.stable_ms, () => this.state.patch({ attempt: 0 }));
      },
      lose: (words) => this.#lose(words),
      unreachable: (addresses) => this.state.patch({ addresses }),
      before_drop: () => {
        this.#timers.clear('stable');
        this.#hooks.release_input();
        this.#hooks.before_drop();
        this.state.patch({ rtt_ms: undefined, cursor: undefined, has_audio: false });
      },
      track: (kind, track, streams) => {
        if (kind === 'audio') this.state.patch({ has_audio: true });
        this.#hooks.track(kind, track, streams);
      },
      message: (message) => this.#on_message(message),
    };
  }

  #on_message(message: ServerMessage): void {
    switch (message.kind) {
      case 'cursor_position':
        this.state.patch({ cursor: { x: message.x, y: message.y } });
        return;
      case 'cursor_image':
        this.state.patch({ cursor_image: message });
        return;
      case 'pong': {
        const rtt = this.#deps.clock.now() - message.sent_ms;
        if (rtt < 0 || rtt > 60_000) return;
        const before = this.state.get().rtt_ms;
        this.state.patch({ rtt_ms: before === undefined ? rtt : before * 0.7 + rtt * 0.3 });
      }
    }
  }

  #notice(words: string): void {
    this.#notices += 1;
    this.state.patch({ notice: { id: this.#notices, text: words } });
  }

  #say(phase: ViewerState['phase'], title: string, detail: string): void {
    this.state.patch({ phase, title, detail });
  }
}
