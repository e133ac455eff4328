// SPDX-License-Identifier: Apache-2.0
// What is on its way to the daemon, how far it is, and what was refused.

import type { Upload } from '../core/uploads.ts';
import { size_text } from '../core/units.ts';
import { IconButton } from './icon_button.tsx';
import { upload_list, uploads } from './tools.ts';

const shown = 50;

export function UploadList() {
  const { list } = upload_list.value;
  if (list.length === 0) return null;
  const done = list.filter((one) => one.phase === 'done').length;
  return (
    <section class="uploads" aria-label="Uploads" data-testid="uploads">
      <p class="row">
        <strong role="status">{done} of {list.length} uploaded</strong>
        <span class="dock-space" />
        {done > 0 && <button type="button" class="link" data-testid="uploads-clear" onClick={() => uploads.drop_done()}>Clear</button>}
      </p>
      <ul>{list.filter((one) => list.length <= shown || one.phase !== 'done').slice(0, shown).map((one) => <Row key={one.key} upload={one} />)}</ul>
    </section>
  );
}

function Row({ upload }: { readonly upload: Upload }) {
  const { key, name, size, sent, phase, problem } = upload;
  return (
    <li class="upload-row" data-testid="upload" data-phase={phase}>
      <span class="file-text">
        <span class="file-name">{name}</span>
        <span class={`small ${phase === 'failed' ? 'bad-text' : 'muted'}`}>
          {phase === 'failed' ? problem : phase === 'exists' ? 'There is one already.' : phase === 'done' ? size_text(size) : `${size_text(sent)} of ${size_text(size)}`}
        </span>
        {(phase === 'sending' || phase === 'waiting') && <progress max={Math.max(size, 1)} value={sent} aria-label={`Upload of ${name}`} />}
      </span>
      {(phase === 'exists' || phase === 'failed') && (
        <button type="button" class="choice" data-testid="upload-replace" onClick={() => uploads.replace(key)}>
          {phase === 'exists' ? 'Replace' : 'Try again'}
        </button>
      )}
      <IconButton icon="close" label={phase === 'sending' || phase === 'waiting' ? `Cancel the upload of ${name}` : `Take ${name} from this list`} test="upload-drop" act={() => uploads.drop(key)} />
    </li>
  );
}
