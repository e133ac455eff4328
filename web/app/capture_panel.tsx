// SPDX-License-Identifier: Apache-2.0
// Screenshots and recordings of the desktop: made, looked at, downloaded, deleted.

import { useEffect } from 'preact/hooks';

import { recording_url, type Recording } from '../core/recordings.ts';
import { duration_text } from '../core/supervision.ts';
import { size_text, when_text } from '../core/units.ts';
import { ask } from './ask.tsx';
import { drop_shot, recording_list, recordings, shooting, shots, take_screenshot, type Shot } from './captures.ts';
import { IconButton } from './icon_button.tsx';
import { Icon } from './icons.tsx';
import { look_at } from './lightbox.tsx';
import { now_ms, say, session } from './model.ts';

async function tell(done: Promise<string>, what: string): Promise<void> {
  const refused = await done;
  if (refused !== '') say(`${what}: ${refused}`, true);
}

async function remove(one: Recording): Promise<void> {
  if ((await ask(`Delete ${one.file_name}?`, 'This cannot be undone.', [{ value: 'delete', label: 'Delete', grave: true }])) === 'delete')
    await tell(recordings.remove(one.id), 'Not deleted');
}

export function CapturePanel() {
  useEffect(() => recordings.watch(), []);
  const { list, problem, busy, offered } = recording_list.value;
  const running = list?.find((one) => one.status === 'recording');
  const may = session.has('input');
  return (
    <section class="captures" aria-label="Captures" data-testid="captures">
      <div class="row">
        <button type="button" class="button primary" data-testid="take-screenshot" disabled={shooting.value} onClick={() => void take_screenshot()}>
          <Icon name="captures" /> Screenshot
        </button>
        {may && offered && !running && (
          <button type="button" class="button" data-testid="record-start" disabled={busy} onClick={() => void tell(recordings.start(), 'Not recording')}>
            <Icon name="record" /> Record
          </button>
        )}
        {may && running && (
          <button type="button" class="button grave" data-testid="record-stop" disabled={busy} onClick={() => void tell(recordings.stop(), 'Not stopped')}>
            <Icon name="stop" /> Stop recording
          </button>
        )}
      </div>
      <h3>Screenshots</h3>
      {shots.value.length === 0 ? <p class="muted">None yet. They stay on this page until it is closed.</p> : (
        <ul class="shots" data-testid="shots">{shots.value.map((shot) => <Picture key={shot.key} shot={shot} />)}</ul>
      )}
      <h3>Recordings</h3>
      {problem !== '' && <p class="panel-note" role="status" data-testid="recordings-problem">{problem}</p>}
      {list?.length === 0 && problem === '' && <p class="muted">None yet.</p>}
      <ul data-testid="recordings">{list?.map((one) => <Row key={one.id} recording={one} may={may} />)}</ul>
    </section>
  );
}

function Picture({ shot }: { readonly shot: Shot }) {
  const when = when_text(shot.taken_ms, now_ms.peek());
  return (
    <li class="shot" data-testid="shot">
      <button
        type="button"
        aria-label={`Look at the screenshot of ${shot.title}, ${when}`}
        onClick={() => look_at({ kind: 'image', title: `${shot.title}, ${when}`, url: shot.url, save: shot.file_name })}
      >
        <img src={shot.url} alt="" />
      </button>
      <span class="shot-line">
        <span class="small">{when}</span>
        <span class="muted small">{size_text(shot.bytes)}</span>
        <span class="dock-space" />
        <a class="icon-button small" href={shot.url} download={shot.file_name} aria-label={`Download the screenshot of ${when}`} title="Download" data-testid="shot-download">
          <Icon name="download" />
        </a>
        <IconButton icon="trash" label={`Drop the screenshot of ${when}`} test="shot-drop" act={() => drop_shot(shot.key)} />
      </span>
    </li>
  );
}

function Row({ recording, may }: { readonly recording: Recording; readonly may: boolean }) {
  const { id, status, file_name, bytes, started_ms, duration_ms, reason } = recording;
  const when = when_text(started_ms, now_ms.peek());
  const long = status === 'recording' ? Math.max(now_ms.value - started_ms, 0) : duration_ms;
  return (
    <li class="file-row" data-testid="recording" data-status={status}>
      <button
        type="button"
        class="file-main"
        aria-label={`Play ${file_name}`}
        disabled={status === 'recording' || bytes === 0}
        data-testid="recording-play"
        onClick={() => look_at({ kind: 'video', title: `${file_name}, ${when}`, url: recording_url(id), save: file_name })}
      >
        <span class={status === 'recording' ? 'recording-dot' : ''}><Icon name={status === 'recording' ? 'record' : 'play'} /></span>
        <span class="file-text">
          <span class="file-name">{file_name}</span>
          <span class="muted small">{[when, duration_text(long), size_text(bytes), status === 'completed' ? '' : status].filter((one) => one !== '').join(' · ')}</span>
          {reason !== '' && <span class="small bad-text">{reason}</span>}
        </span>
      </button>
      <span class="file-acts">
        <a class="icon-button small" href={recording_url(id)} download={file_name} aria-label={`Download ${file_name}`} title="Download" data-testid="recording-download">
          <Icon name="download" />
        </a>
        {may && status !== 'recording' && <IconButton icon="trash" label={`Delete ${file_name}`} test="recording-delete" act={() => void remove(recording)} />}
      </span>
    </li>
  );
}
