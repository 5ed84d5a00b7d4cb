/** What a run prints beside the faults: the summary, and the whole story of each project that went wrong. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Database } from '../../src/shared/node/db/database.ts';
import type { ClusterEyes } from './cluster-observer.ts';
import type { Commands } from './commands.ts';
import type { Ledger } from './ledger.ts';
import type { PlannedFault } from './schedule.ts';
import type { Viewer } from './viewers.ts';
import { invariantDescriptions, type Violation } from './violations.ts';
import type { World } from './world.ts';

/** Beyond these the stories repeat themselves. */
const maxStories = 5;

export function describeFaults(faults: readonly PlannedFault[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const rows = [...counts].toSorted(([a], [b]) => a.localeCompare(b));
  return rows.map(([kind, count]) => `  ${kind.padEnd(28)}${String(count).padStart(3)}`).join('\n');
}

export function describeCommands(commands: Commands): string {
  const { acknowledged, refused, unanswered, skipped } = commands.counts();
  const latencies = commands.latencies();
  const at = (fraction: number) => Math.round(latencies[Math.floor(fraction * (latencies.length - 1))] ?? 0);
  const reasons = [...commands.silences()].map(([why, count]) => `${count} ${why}`).join(', ');
  return [
    `commands: ${acknowledged} acknowledged, ${refused} refused, ${unanswered} without an answer` +
      `${reasons === '' ? '' : ` (${reasons})`}, ${skipped} without a project to be about`,
    `answers took ${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (longest)`,
  ].join('\n');
}

/** The projects that violations name, each with all that is known of it. */
export async function tellStories(deps: {
  violations: readonly Violation[];
  ledger: Ledger;
  viewers: readonly Viewer[];
  eyes: ClusterEyes;
  db: Database;
}): Promise<string> {
  const { violations, ledger, viewers, eyes, db } = deps;
  const ids = [...new Set(violations.flatMap(({ projectId }) => projectId ?? []))];
  const stories: string[] = [];
  for (const id of ids.slice(0, maxStories)) {
    const shown = viewers
      .map((viewer) => ({ name: viewer.name, states: viewer.historyOf(id) }))
      .filter(({ states }) => states.length > 0)
      .map(({ name, states }) => `${name}: ${states.map(({ version, status }) => `${version} ${status}`).join(', ')}`);
    stories.push(
      [
        `project ${id}`,
        ...section('broken', violations.filter(({ projectId }) => projectId === id).map(describeViolation)),
        ...section('row', [await readRow(db, id)]),
        ...section('commands', ledger.find(id)?.history ?? []),
        ...section('cluster', eyes.historyOf(id)),
        ...section('shown', shown),
        ...section('timeline', await readEvents(db, id)),
      ].join('\n'),
    );
  }
  if (ids.length > maxStories) stories.push(`and ${ids.length - maxStories} more projects`);
  return stories.join('\n\n');
}

export function describeViolation({ invariant, text, projectId, atMs }: Violation): string {
  const about = projectId === null ? '' : ` project ${projectId}:`;
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${invariant} (${invariantDescriptions[invariant]}):${about} ${text}`;
}

/** Writes what every process has printed; returns the folder. */
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
  return [`  ${title}`, ...(lines.length === 0 ? ['    nothing'] : lines.map((line) => `    ${line}`))];
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
