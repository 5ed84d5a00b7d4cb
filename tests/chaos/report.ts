/** The texts that a run prints at its end: the summary, and the history of each project with a violation. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Database } from '../../src/shared/node/db/database.ts';
import type { ClusterObserver } from './cluster-observer.ts';
import type { Commands } from './commands.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';
import type { Sender } from './sender.ts';
import type { Viewer } from './viewers.ts';
import { invariantDescriptions, type Violation } from './violations.ts';
import type { World } from './world.ts';

/** More projects would not add information. */
const maxProjects = 5;

/** How often each kind was injected, and how many requests it has answered, so that nobody takes a fault for granted. */
export function describeFaults(planned: readonly PlannedFault[], faults: Faults): string {
  const counts = new Map<FaultKind, number>();
  for (const { kind } of planned) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const rows = [...counts].toSorted(([a], [b]) => a.localeCompare(b));
  return rows
    .map(([kind, count]) => {
      const injected = String(faults.counts().get(kind) ?? 0).padStart(3);
      const requests = faults.answered().get(kind);
      return `  ${kind.padEnd(32)}${injected} of ${count}${requests === undefined ? '' : `, ${requests} requests`}`;
    })
    .join('\n');
}

export function describeCommands(sender: Sender, commands: Commands): string {
  const { acknowledged, refused, unanswered } = sender.counts();
  const skipped = commands.skipped();
  const latencies = sender.latencies();
  const at = (fraction: number) => Math.round(latencies[Math.floor(fraction * (latencies.length - 1))] ?? 0);
  const reasons = [...sender.unansweredReasons()].map(([why, count]) => `${count} ${why}`).join(', ');
  return [
    `commands: ${acknowledged} acknowledged, ${refused} refused, ${unanswered} without an answer` +
      `${reasons === '' ? '' : ` (${reasons})`}, ${skipped} skipped for lack of a project`,
    `answers took ${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (longest)`,
  ].join('\n');
}

/** The history of each project that a violation names. */
export async function describeProjects(deps: {
  violations: readonly Violation[];
  ledger: Ledger;
  viewers: readonly Viewer[];
  observer: ClusterObserver;
  db: Database;
}): Promise<string> {
  const { violations, ledger, viewers, observer, db } = deps;
  const ids = [...new Set(violations.flatMap(({ projectId }) => projectId ?? []))];
  const texts: string[] = [];
  for (const id of ids.slice(0, maxProjects)) {
    const shown = viewers
      .map((viewer) => ({ name: viewer.name, states: viewer.historyOf(id) }))
      .filter(({ states }) => states.length > 0)
      .map(({ name, states }) => `${name}: ${states.map(({ version, status }) => `${version} ${status}`).join(', ')}`);
    texts.push(
      [
        `project ${id}`,
        ...section('violations', violations.filter(({ projectId }) => projectId === id).map(describeViolation)),
        ...section('row', [await readRow(db, id)]),
        ...section('commands', ledger.find(id)?.history ?? []),
        ...section('cluster', observer.historyOf(id)),
        ...section('shown', shown),
        ...section('timeline', await readEvents(db, id)),
      ].join('\n'),
    );
  }
  if (ids.length > maxProjects) texts.push(`and ${ids.length - maxProjects} more projects`);
  return texts.join('\n\n');
}

export function describeViolation({ invariant, text, projectId, atMs }: Violation): string {
  const subject = projectId === null ? '' : ` project ${projectId}:`;
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${invariant} (${invariantDescriptions[invariant]}):${subject} ${text}`;
}

/** Writes the output of every process to files. Returns their folder. */
export function saveOutputs(world: World, seed: number): string {
  const folder = join(tmpdir(), `opencode-chaos-${seed}`);
  mkdirSync(folder, { recursive: true });
  for (const one of [...world.servers, ...world.workers]) {
    for (const [index, process] of one.all().entries()) {
      writeFileSync(join(folder, `${one.name.replace(' ', '-')}.${index}.log`), process.output());
    }
  }
  return folder;
}

function section(title: string, lines: string[]): string[] {
  return [`  ${title}`, ...(lines.length === 0 ? ['    none'] : lines.map((line) => `    ${line}`))];
}

async function readRow(db: Database, id: string): Promise<string> {
  const row: unknown = await db('projects').where({ id }).first();
  return JSON.stringify(row ?? null);
}

async function readEvents(db: Database, projectId: string): Promise<string[]> {
  const rows = await db('project_events').where({ projectId }).orderBy('id');
  return rows.map(({ at, kind, message }: { at: Date; kind: string; message: string }) => {
    return `${at.toISOString()}  ${kind}: ${message}`;
  });
}
