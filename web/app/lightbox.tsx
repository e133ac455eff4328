// SPDX-License-Identifier: Apache-2.0
// One thing looked at closely: a picture, a recording, or the text of a file.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { IconButton } from './icon_button.tsx';

export type Shown =
  | { readonly kind: 'image' | 'video'; readonly title: string; readonly url: string; readonly save: string; readonly note?: string }
  | { readonly kind: 'text'; readonly title: string; readonly text: string; readonly url: string; readonly save: string; readonly note?: string };

const shown = signal<(Shown & { readonly closed?: (() => void) | undefined }) | undefined>(undefined);

export function look_at(what: Shown, closed?: () => void): void {
  shown.value = { ...what, closed };
}

export function Lightbox() {
  const now = shown.value;
  return now ? <Box key={now.url + now.title} what={now} closed={now.closed} /> : null;
}

function Box({ what, closed }: { readonly what: Shown; readonly closed: (() => void) | undefined }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    return () => {
      closed?.();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const close = () => { shown.value = undefined; };
  return (
    <dialog
      ref={box}
      class="lightbox"
      aria-labelledby="lightbox-title"
      data-testid="lightbox"
      onCancel={(event) => { event.preventDefault(); close(); }}
      onClick={(event) => { if (event.target === box.current) close(); }}
    >
      <header>
        <h2 id="lightbox-title">{what.title}</h2>
        <a class="button" href={what.url} download={what.save} data-testid="lightbox-download">Download</a>
        <IconButton icon="close" label="Close" test="lightbox-close" act={close} />
      </header>
      {what.note && <p class="muted small" data-testid="lightbox-note">{what.note}</p>}
      {what.kind === 'image' && <img src={what.url} alt={what.title} />}
      {what.kind === 'video' && <video src={what.url} controls autoplay data-testid="player" />}
      {what.kind === 'text' && <pre class="log" tabIndex={0} data-testid="preview-text">{what.text}</pre>}
    </dialog>
  );
}
