// SPDX-License-Identifier: Apache-2.0
// The terminals that stand open on this page: made here, or attached to what runs already. A tab
// that is closed leaves its process running unless it is ended. Owned by the model; no document.

import { command_line, terminal_request, terminal_tag, type ProcessInfo, type Processes } from './processes.ts';
import { Store } from './store.ts';
import { TerminalLink, type TerminalDeps } from './terminal.ts';

export interface TerminalTab {
  readonly id: string;
  readonly title: string;
  readonly link: TerminalLink;
  /** Made by this page just now: it gives the terminal its size. */
  readonly own: boolean;
  readonly process: ProcessInfo;
}

export interface TerminalsState {
  readonly tabs: readonly TerminalTab[];
  /** Id of the one that is shown. */
  readonly active: string;
  readonly opening: boolean;
  readonly problem: string;
}

export class Terminals {
  readonly state = new Store<TerminalsState>({ tabs: [], active: '', opening: false, problem: '' });
  readonly #deps: TerminalDeps;
  readonly #processes: Processes;
  #made = 0;

  constructor(deps: TerminalDeps, processes: Processes) {
    this.#deps = deps;
    this.#processes = processes;
  }

  async open(cols: number, rows: number): Promise<void> {
    if (this.state.get().opening) return;
    this.state.patch({ opening: true, problem: '' });
    const answer = await this.#processes.create(terminal_request(cols, rows));
    this.state.patch({ opening: false });
    if (answer.ok) this.#add(answer.value, true);
    else this.state.patch({ problem: answer.problem.detail || answer.problem.title });
  }

  /** Shows a terminal that runs, or has run. */
  attach(process: ProcessInfo): void {
    if (this.state.get().tabs.some((tab) => tab.id === process.id)) this.show(process.id);
    else this.#add(process, false);
  }

  show(id: string): void {
    this.state.patch({ active: id });
  }

  rename(id: string, title: string): void {
    const clean = title.trim().slice(0, 60);
    if (clean === '') return;
    this.state.patch({ tabs: this.state.get().tabs.map((tab) => (tab.id === id ? { ...tab, title: clean } : tab)) });
  }

  /** Closes the tab; the process runs on. */
  close(id: string): void {
    const { tabs, active } = this.state.get();
    const at = tabs.findIndex((tab) => tab.id === id);
    if (at < 0) return;
    tabs[at]?.link.stop();
    const left = tabs.filter((tab) => tab.id !== id);
    this.state.patch({ tabs: left, active: active === id ? (left[Math.min(at, left.length - 1)]?.id ?? '') : active });
  }

  /** Ends the process, then closes; empty, or why not. */
  async end(id: string): Promise<string> {
    const refused = await this.#processes.kill(id);
    if (refused === '') this.close(id);
    return refused;
  }

  /** The network came back. */
  retry_now(): void {
    for (const tab of this.state.get().tabs) tab.link.retry_now();
  }

  close_all(): void {
    for (const tab of this.state.get().tabs) tab.link.stop();
    this.state.patch({ tabs: [], active: '', problem: '' });
  }

  #add(process: ProcessInfo, own: boolean): void {
    this.#made += 1;
    const title = process.tags.includes(terminal_tag) ? `Terminal ${this.#made}` : command_line(process).slice(0, 60);
    const tab = { id: process.id, title, link: new TerminalLink(this.#deps, process, own), own, process };
    this.state.patch({ tabs: [...this.state.get().tabs, tab], active: process.id, problem: '' });
  }
}
