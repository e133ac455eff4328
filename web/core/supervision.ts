// SPDX-License-Identifier: Apache-2.0
// The supervision tree and the activity feed as typed values, read leniently: a newer daemon may
// say more, a missing field becomes its plain default.

export type ChildState =
  | 'idle' | 'waiting' | 'starting' | 'ready' | 'unhealthy' | 'stopping'
  | 'killing' | 'backoff' | 'cooldown' | 'stopped' | 'failed';

export interface Death {
  readonly generation: number;
  readonly pid: number;
  readonly cause: string;
  readonly code: number;
  readonly detail: string;
  readonly uptime_ms: number;
  readonly at: string;
  readonly last_lines: readonly string[];
  readonly expected: boolean;
  /** Largest resident memory; undefined where the kernel does not tell. */
  readonly peak_rss_bytes: number | undefined;
}

/** What the last deaths of one child, at most 100, have in common. */
export interface DeathTally {
  readonly deaths: number;
  /** Of them, not asked for. */
  readonly unexpected: number;
  /** `signal 9`, `exit 1`, `probe` …: how often; the most frequent first. */
  readonly causes: readonly (readonly [string, number])[];
}

export interface TreeNode {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly depends_on: readonly string[];
  readonly generation: number;
  readonly restarts: number;
  readonly budget_used: number;
  readonly budget_limit: number;
  readonly optional: boolean;
  readonly pid: number;
  readonly uptime_ms: number | undefined;
  readonly next_start_ms: number | undefined;
  readonly reason: string;
  readonly deaths: readonly Death[];
  readonly tally: DeathTally | undefined;
  readonly children: readonly TreeNode[];
}

export interface Change {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly pid: number;
  readonly generation: number;
  readonly reason: string;
  readonly death: Death | undefined;
}

export interface ActivityEvent {
  readonly seq: number;
  readonly ts: string;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Set for supervision events. */
  readonly change: Change | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function fields_of(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
const str = (value: unknown) => (typeof value === 'string' ? value : '');
const num = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

export function death_of(value: unknown): Death | undefined {
  const fields = fields_of(value);
  if (!fields) return undefined;
  return {
    generation: num(fields.generation),
    pid: num(fields.pid),
    cause: str(fields.cause),
    code: num(fields.code),
    detail: str(fields.detail),
    uptime_ms: num(fields.uptimeMs),
    at: str(fields.at),
    last_lines: list(fields.lastLines).map(str).slice(-50),
    expected: fields.expected === true,
    peak_rss_bytes: num(fields.peakRssBytes) > 0 ? num(fields.peakRssBytes) : undefined,
  };
}

export function tally_of(value: unknown): DeathTally | undefined {
  const fields = fields_of(value);
  if (!fields || num(fields.deaths) <= 0) return undefined;
  const causes = Object.entries(fields_of(fields.causes) ?? {})
    .map(([cause, count]) => [cause, num(count)] as const)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1]);
  return { deaths: num(fields.deaths), unexpected: num(fields.unexpected), causes };
}

/** Nothing for an empty or foreign document; deeper than 32 levels is cut off. */
export function tree_of(value: unknown, depth = 0): TreeNode | undefined {
  const fields = fields_of(value);
  if (!fields || str(fields.id) === '' || depth > 32) return undefined;
  const budget = fields_of(fields.budget) ?? {};
  return {
    id: str(fields.id),
    kind: str(fields.kind) || 'process',
    state: str(fields.state) || 'idle',
    depends_on: list(fields.dependsOn).map(str),
    generation: num(fields.generation),
    restarts: num(fields.restarts),
    budget_used: num(budget.used),
    budget_limit: num(budget.limit),
    optional: fields.optional === true,
    pid: num(fields.pid),
    uptime_ms: typeof fields.uptimeMs === 'number' ? fields.uptimeMs : undefined,
    next_start_ms: typeof fields.nextStartMs === 'number' ? fields.nextStartMs : undefined,
    reason: str(fields.reason),
    deaths: list(fields.deaths).map(death_of).filter((d): d is Death => d !== undefined),
    tally: tally_of(fields.deathTally),
    children: list(fields.children)
      .map((child) => tree_of(child, depth + 1))
      .filter((child): child is TreeNode => child !== undefined),
  };
}

export function activity_of(value: unknown): ActivityEvent | undefined {
  const fields = fields_of(value);
  if (!fields || str(fields.kind) === '') return undefined;
  const data = fields_of(fields.data) ?? {};
  const change =
    fields.kind === 'supervision' && str(data.id) !== ''
      ? {
          id: str(data.id),
          from: str(data.from),
          to: str(data.to),
          pid: num(data.pid),
          generation: num(data.generation),
          reason: str(data.reason),
          death: death_of(data.death),
        }
      : undefined;
  return { seq: num(fields.seq), ts: str(fields.ts), kind: str(fields.kind), data, change };
}

/** The tree with one child's new state, at once; the fetch that follows brings the rest. */
export function patch_tree(root: TreeNode | undefined, change: Change): TreeNode | undefined {
  if (!root) return undefined;
  if (root.id === change.id)
    return {
      ...root,
      state: change.to,
      reason: change.reason,
      pid: change.pid,
      generation: change.generation || root.generation,
      next_start_ms: undefined,
      uptime_ms: change.pid === root.pid ? root.uptime_ms : undefined,
    };
  let changed = false;
  const children = root.children.map((child) => {
    const patched = patch_tree(child, change) ?? child;
    if (patched !== child) changed = true;
    return patched;
  });
  return changed ? { ...root, children } : root;
}

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'off';

export function tone_of(state: string): Tone {
  switch (state) {
    case 'ready':
      return 'good';
    case 'waiting':
    case 'starting':
    case 'stopping':
      return 'busy';
    case 'unhealthy':
    case 'backoff':
    case 'cooldown':
    case 'killing':
      return 'warn';
    case 'failed':
      return 'bad';
    default:
      return 'off';
  }
}

/** What a child does in that state, after its name. */
export function words_of_state(state: string): string {
  const known: Readonly<Record<string, string>> = {
    idle: 'was never started',
    waiting: 'waits for what it needs',
    starting: 'is starting',
    ready: 'is ready',
    unhealthy: 'does not answer',
    stopping: 'is stopping',
    killing: 'is being killed',
    backoff: 'ended and will restart',
    cooldown: 'ended too often and rests',
    stopped: 'is stopped',
    failed: 'has failed',
  };
  return known[state] ?? `is ${state}`;
}

const signals: Readonly<Record<number, string>> = {
  1: 'SIGHUP', 2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE',
  9: 'SIGKILL', 11: 'SIGSEGV', 13: 'SIGPIPE', 14: 'SIGALRM', 15: 'SIGTERM', 19: 'SIGSTOP',
};

/** How a run ended, in a few words. */
export function words_of_death(death: Death): string {
  switch (death.cause) {
    case 'exit':
      return `Exited with code ${death.code}`;
    case 'signal':
      return `Killed by ${signals[death.code] ?? `signal ${death.code}`}`;
    case 'timeout':
      return 'Was not ready in time';
    case 'probe':
      return 'Stopped answering';
    case 'spawn_error':
      return 'Could not be started';
    case 'actor':
      return 'Ended with an error';
    default:
      return death.cause || 'Ended';
  }
}

/** `The last 12 ends, 10 unexpected: signal 9 ×8, exit 0 ×4`. */
export function words_of_tally(tally: DeathTally): string {
  const causes = tally.causes.map(([cause, count]) => `${cause} ×${count}`).join(', ');
  const ends = tally.deaths === 1 ? 'The last end' : `The last ${tally.deaths} ends`;
  return `${ends}, ${tally.unexpected} unexpected${causes === '' ? '' : `: ${causes}`}`;
}

/** 512 KiB, 307 MiB, 4.7 GiB. */
export function memory_text(bytes: number): string {
  const mib = bytes / 1024 ** 2;
  if (mib < 1) return `${Math.round(bytes / 1024)} KiB`;
  return mib < 1024 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/** `x_server` → `X server`; what has no name here shows its id. */
export function label_of(id: string): string {
  const known: Readonly<Record<string, string>> = {
    holt: 'Holt',
    x_server: 'X server',
    window_manager: 'Window manager',
    session_bus: 'Session bus',
    audio: 'Sound server',
    x_client: 'X client',
    engine: 'Stream engine',
    viewers: 'Viewers',
    gateway: 'Gateway',
    control: 'Control',
    activity: 'Activity',
    lobby: 'Lobby',
    link: 'Command link',
    journal: 'Journal',
    commands: 'Commands',
    channel: 'Channel to agents',
    broker: 'Broker',
  };
  const found = known[id];
  if (found) return found;
  const viewer = /^signaling\/(.+)$/.exec(id);
  if (viewer) return `Viewer ${viewer[1]}`;
  const words = id.replace(/_/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** 950 ms, 12 s, 4 min 10 s, 3 h 5 min, 2 d 4 h. */
export function duration_text(ms: number): string {
  if (ms < 1000) return `${Math.max(Math.round(ms), 0)} ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return s % 60 === 0 ? `${m} min` : `${m} min ${s % 60} s`;
  const h = Math.floor(m / 60);
  if (h < 24) return m % 60 === 0 ? `${h} h` : `${h} h ${m % 60} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

export function counts_of(root: TreeNode | undefined): { ready: number; total: number; bad: number } {
  const sum = { ready: 0, total: 0, bad: 0 };
  const visit = (node: TreeNode) => {
    if (node.kind !== 'group') {
      sum.total += 1;
      const tone = tone_of(node.state);
      if (tone === 'good') sum.ready += 1;
      else if (tone === 'warn' || tone === 'bad') sum.bad += 1;
    }
    node.children.forEach(visit);
  };
  if (root) visit(root);
  return sum;
}
