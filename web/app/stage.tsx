// SPDX-License-Identifier: Apache-2.0
// The desktop itself: the live picture, the kept last one, the cursors, and what is said when
// there is no picture. It owns the media elements; the model owns the streams.

import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal, useSignalEffect } from '@preact/signals';

import { contain, type Rect } from '../core/geometry.ts';
import { Icon } from './icons.tsx';
import {
  audio_stream,
  cursor,
  desktop_busy,
  keyboard_captured,
  now_ms,
  session,
  set_sound,
  sound_chosen,
  sound_on,
  stage_hooks,
  start_desktop,
  stats_open,
  video_stream,
  view,
  viewer,
} from './model.ts';
import { bind_input } from './stage_input.ts';
import { StatsOverlay } from './stats_overlay.tsx';

/** Once a further picture is on the page; browsers without the call look at their next repaint. */
function next_frame(element: HTMLVideoElement, run: () => void): void {
  if ('requestVideoFrameCallback' in element) element.requestVideoFrameCallback(run);
  else requestAnimationFrame(() => ((element as HTMLVideoElement).readyState >= 2 ? run() : next_frame(element, run)));
}

/** object URL of the desktop's cursor, replaced and let go of as it changes. */
function use_cursor() {
  const url = useSignal('');
  const seen = useRef<unknown>(undefined);
  useSignalEffect(() => {
    const image = view.value.cursor_image;
    if (image === seen.current) return;
    seen.current = image;
    const old = url.peek();
    url.value =
      image && image.png.byteLength > 0 ? URL.createObjectURL(new Blob([image.png], { type: 'image/png' })) : '';
    if (old !== '') URL.revokeObjectURL(old);
  });
  return url;
}

const press = matchMedia('(pointer: coarse)').matches ? 'Tap' : 'Click';

export function Stage() {
  const box = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const sink = useRef<HTMLTextAreaElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const audio = useRef<HTMLAudioElement>(null);
  const kept = useRef<HTMLCanvasElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const has_kept = useSignal(false);
  const cursor_url = use_cursor();

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      size.value = { width: element.clientWidth, height: element.clientHeight };
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => (picture.current && sink.current ? bind_input(picture.current, sink.current) : undefined), []);

  useEffect(() => {
    stage_hooks.keep_picture = () => {
      const from = video.current;
      const to = kept.current;
      const context = to?.getContext('2d');
      if (!from || !to || !context || from.videoWidth === 0 || from.readyState < 2) return;
      to.width = from.videoWidth;
      to.height = from.videoHeight;
      context.drawImage(from, 0, 0);
      has_kept.value = true;
    };
    return () => {
      stage_hooks.keep_picture = () => undefined;
    };
  }, []);

  // Tell the core of the first shown picture of each stream.
  useSignalEffect(() => {
    const element = video.current;
    const stream = video_stream.value;
    if (!element || !stream) return;
    element.srcObject = stream;
    element.play().catch(() => undefined);
    const shown = () => {
      if (element.srcObject !== stream) return;
      viewer.frame_shown();
      if (view.peek().phase === 'live') has_kept.value = false;
      else next_frame(element, shown);
    };
    next_frame(element, shown);
  });
  useSignalEffect(() => {
    const element = audio.current;
    if (!element) return;
    if (element.srcObject !== (audio_stream.value ?? null)) element.srcObject = audio_stream.value ?? null;
    element.muted = !sound_on.value;
    if (sound_on.value && audio_stream.value)
      element.play().catch(() => {
        sound_on.value = false; // the browser wants a click first
        sound_chosen.value = false;
      });
  });

  const { phase, screen, control, cursor_image, can_control, has_audio } = view.value;
  const live = phase === 'live';
  const rect = contain(size.value, screen ?? { width: 16, height: 9 });
  const driver = control.you ? 'you' : control.kind;
  const hot = cursor_image ? `${cursor_image.hot_x} ${cursor_image.hot_y}` : '0 0';
  const css_cursor = control.you && cursor_url.value !== '' ? `url(${cursor_url.value}) ${hot}, default` : 'default';

  return (
    <section class="stage" aria-label="Live desktop">
      <div class="stage-box" ref={box}>
        <div
          id="desktop"
          ref={picture}
          class={`picture driver-${driver}${live ? '' : ' dimmed'}`}
          data-testid="desktop"
          data-phase={phase}
          role="application"
          aria-roledescription="remote desktop"
          aria-label={live ? 'Desktop. Press Enter to send it the keyboard.' : 'Desktop, no live picture'}
          tabIndex={0}
          style={{
            left: `${rect.left}px`,
            top: `${rect.top}px`,
            width: `${rect.width}px`,
            height: `${rect.height}px`,
            cursor: css_cursor,
          }}
        >
          <video ref={video} class="video" data-testid="video" muted autoplay playsInline disablePictureInPicture />
          <canvas ref={kept} class="kept" hidden={!has_kept.value} aria-hidden="true" />
          {live && !control.you && screen && cursor_url.value !== '' && (
            <RemoteCursor url={cursor_url.value} rect={rect} scale={rect.width / screen.width} />
          )}
          <textarea
            ref={sink}
            class="sink"
            data-testid="keyboard-sink"
            aria-label="Keyboard of the desktop"
            tabIndex={-1}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            autocorrect="off"
          />
        </div>
        {!live && <Message kept={has_kept.value} />}
        {live && has_audio && !sound_chosen.value && (
          <button type="button" class="hint sound-hint" data-testid="sound-hint" onClick={() => set_sound(true)}>
            <Icon name="muted" /> Sound is off. {press} to hear it
          </button>
        )}
        {live && keyboard_captured.value && control.you && (
          <p class="hint keys-hint" data-testid="keyboard-hint">
            Keyboard is on the desktop. <kbd>Ctrl</kbd> <kbd>Alt</kbd> <kbd>Shift</kbd> gives it back
          </p>
        )}
        {live && !control.you && control.kind !== 'person' && can_control && session.has('input') && (
          <p class="hint keys-hint passive">{press} the desktop to drive it</p>
        )}
        {stats_open.value && <StatsOverlay />}
      </div>
      <audio ref={audio} muted={!sound_on.value} />
    </section>
  );
}

function RemoteCursor({ url, rect, scale }: { readonly url: string; readonly rect: Rect; readonly scale: number }) {
  const { cursor_image } = view.value;
  const at = cursor.value;
  if (!at || !cursor_image) return null;
  const x = (at.x - cursor_image.hot_x) * scale;
  const y = (at.y - cursor_image.hot_y) * scale;
  if (x > rect.width || y > rect.height) return null;
  return (
    <img
      class="remote-cursor"
      data-testid="remote-cursor"
      src={url}
      alt=""
      style={{ transform: `translate(${x}px, ${y}px)`, width: `${cursor_image.width * Math.max(scale, 0.6)}px` }}
    />
  );
}

/** Never a black box without text. */
function Message({ kept }: { readonly kept: boolean }) {
  const { phase, title, detail, retry_at_ms, addresses } = view.value;
  const said = detail.replace(/\.$/, '').toLowerCase() === title.toLowerCase() ? '' : detail;
  const busy = phase === 'connecting' || phase === 'waiting' || phase === 'negotiating';
  const seconds = retry_at_ms === undefined ? 0 : Math.max(Math.ceil((retry_at_ms - now_ms.value) / 1000), 0);
  return (
    <div class={`message${kept ? ' over-picture' : ''}`} data-testid="stage-message">
      <div class="message-card">
        {busy ? (
          <span class="spinner" aria-hidden="true" />
        ) : (
          <span class={`message-icon ${phase}`}>
            <Icon name={phase === 'stopped' ? 'stop' : 'warn'} />
          </span>
        )}
        <h2 data-testid="reason">{title}</h2>
        {said !== '' && <p>{said}</p>}
        {addresses.length > 0 && (
          <details>
            <summary>Addresses that were tried</summary>
            <ul class="mono">
              {addresses.map((address) => <li key={address}>{address}</li>)}
            </ul>
          </details>
        )}
        {phase === 'retrying' && (
          <>
            <p class="countdown" data-testid="countdown">
              {seconds > 0 ? `Trying again in ${seconds} s` : 'Trying again now'}
            </p>
            <div class="row">
              <button type="button" class="button primary" data-testid="retry-now" onClick={() => viewer.retry_now()}>
                Try now
              </button>
              <button type="button" class="button" onClick={() => viewer.cancel_retry()}>
                Cancel
              </button>
            </div>
          </>
        )}
        {phase === 'failed' && (
          <button type="button" class="button primary" data-testid="retry-now" onClick={() => viewer.retry_now()}>
            Try again
          </button>
        )}
        {phase === 'stopped' && session.has('input') && (
          <button
            type="button"
            class="button primary"
            data-testid="start-desktop"
            disabled={desktop_busy.value}
            onClick={() => void start_desktop()}
          >
            {desktop_busy.value ? 'Starting…' : 'Start the desktop'}
          </button>
        )}
      </div>
    </div>
  );
}
