// SPDX-License-Identifier: Apache-2.0
// Who drives, in words, and the buttons to take, ask for, give and release control, and to pause the
// agent.

import { hand_back, pause_agent, resume_agent } from './control_acts.ts';
import { Icon } from './icons.tsx';
import { keyboard_captured, session, view, viewer } from './model.ts';

function words(): { who: string; more: string } {
  const { control, can_control, asking, phase } = view.value;
  if (phase !== 'live' && phase !== 'negotiating') return { who: 'Not connected', more: '' };
  const rest = (more: string) => {
    if (!control.paused) return more;
    const before = more === '' || more.endsWith('.') ? more : `${more}.`;
    return `${before} The agent is paused${control.paused_by === '' ? '' : ` by ${control.paused_by}`}.`.trim();
  };
  if (control.you && control.taken) return { who: 'You drive alone', more: 'The agent is held off until you release.' };
  if (control.you) return { who: 'You drive', more: control.paused ? rest('') : 'The agent may still act beside you.' };
  if (control.kind === 'agent') return { who: 'The agent drives', more: rest(control.note === '' ? control.name : `It was told: “${control.note}”`) };
  if (control.kind === 'person') {
    const who = `${control.name || 'Somebody else'} drives`;
    if (asking) return { who, more: 'Asked. Waiting for an answer.' };
    return { who, more: rest(control.taken ? 'Alone: the agent is held off.' : '') };
  }
  return { who: 'Nobody drives', more: rest(can_control ? '' : 'You are watching.') };
}

function to_desktop(): void {
  document.getElementById('desktop')?.querySelector('textarea')?.focus({ preventScroll: true });
}

export function DriveBar() {
  const { control, phase, can_control, asking, requests } = view.value;
  const { who, more } = words();
  const driver = control.you ? 'you' : control.kind;
  const may = can_control && session.has('input') && phase === 'live';
  return (
    <section class={`drive driver-${driver}`} aria-label="Who drives" data-testid="drive-bar">
      <div class="drive-text">
        <span class="drive-dot" aria-hidden="true" />
        <p>
          <strong data-testid="driver">{who}</strong>
          {more !== '' && <span class="muted">{more}</span>}
        </p>
      </div>
      {may ? (
        <div class="row">
          {!control.you && control.kind !== 'person' && (
            <button type="button" class="button primary" data-testid="drive" onClick={() => { viewer.driving.request(); to_desktop(); }}>
              <Icon name="hand" /> Drive
            </button>
          )}
          {!control.you && control.kind === 'person' && (
            <button type="button" class="button primary" data-testid="drive" disabled={asking} onClick={() => viewer.driving.request()}>
              {asking ? 'Asked' : 'Ask to drive'}
            </button>
          )}
          {!(control.you && control.taken) && (
            <button
              type="button"
              class="button"
              data-testid="take"
              title="Nobody else and no agent acts until you release"
              onClick={() => { viewer.driving.take(); to_desktop(); }}
            >
              {control.you ? 'Hold off agent' : 'Take over'}
            </button>
          )}
          {control.you && (
            <button type="button" class="button" data-testid="release" onClick={() => viewer.driving.release()}>
              Release
            </button>
          )}
          {control.you && control.paused !== undefined && (
            <button type="button" class="button" data-testid="hand-back" title="The agent drives, with a note of yours" onClick={() => void hand_back()}>
              Hand back
            </button>
          )}
          {control.paused === true && (
            <button type="button" class="button" data-testid="resume-agent" title="The agent’s acts are done again" onClick={() => void resume_agent()}>
              <Icon name="play" /> Resume agent
            </button>
          )}
          {control.paused === false && !control.taken && (
            <button type="button" class="button" data-testid="pause-agent" title="The agent’s acts are refused until it is resumed" onClick={() => void pause_agent()}>
              <Icon name="pause" /> Pause agent
            </button>
          )}
        </div>
      ) : (
        phase === 'live' && <span class="badge" data-testid="view-only">View only</span>
      )}
      {requests.map((request) => (
        <div class="ask" role="alert" key={request.id} data-testid="control-request">
          <span><strong>{request.name}</strong> asks to drive</span>
          <div class="row">
            <button type="button" class="button primary" data-testid="give" onClick={() => viewer.driving.give(request.id)}>
              Hand over
            </button>
            <button type="button" class="button" onClick={() => viewer.driving.ignore_request(request.id)}>
              Not now
            </button>
          </div>
        </div>
      ))}
      <span class="visually-hidden" aria-live="polite">
        {keyboard_captured.value && control.you
          ? 'The keyboard goes to the desktop. Press Control, Alt and Shift together to leave.'
          : ''}
      </span>
    </section>
  );
}
