/** Sends the planned commands through the clients, and records them in the ledger. */

import { setTimeout as delay } from 'node:timers/promises';

import type { AppError } from '../../src/shared/contract/errors.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import { readAppError, type Client } from '../../src/shared/sdk/client.ts';
import { isGone, type Account, type Creation, type Ledger, type ProjectCommand } from './ledger.ts';
import type { PlannedCommand } from './schedule.ts';
import type { Viewer } from './viewers.ts';
import type { Violations } from './violations.ts';
import { maxProjects } from './world.ts';

interface CommandCounts {
  acknowledged: number;
  refused: number;
  unanswered: number;
  skipped: number;
}

export interface Commands {
  /** Sends the command. Never rejects. */
  run(command: PlannedCommand): Promise<void>;
  counts(): CommandCounts;
  /** The reasons for missing answers, with their number. */
  unansweredReasons(): ReadonlyMap<string, number>;
  /** The times of all answers in milliseconds, sorted; also those of failed commands. */
  latencies(): number[];
}

type Outcome<T> =
  | { kind: 'acknowledged'; value: T }
  /** The server refused the command, so nothing was done. */
  | { kind: 'refused'; error: AppError }
  /** Nobody knows whether the command was carried out. */
  | { kind: 'unanswered'; why: string };

export function createCommands(deps: {
  ledger: Ledger;
  viewers: readonly Viewer[];
  violations: Violations;
  signal: AbortSignal;
}): Commands {
  const { ledger, viewers, violations, signal } = deps;
  const counts: CommandCounts = { acknowledged: 0, refused: 0, unanswered: 0, skipped: 0 };
  const reasons = new Map<string, number>();
  const latencies: number[] = [];

  async function send<T>(call: () => Promise<T>): Promise<Outcome<T>> {
    const startedAt = performance.now();
    const outcome = await outcomeOf(call);
    latencies.push(performance.now() - startedAt);
    counts[outcome.kind] += 1;
    if (outcome.kind === 'unanswered') reasons.set(outcome.why, (reasons.get(outcome.why) ?? 0) + 1);
    if (outcome.kind === 'refused' && outcome.error.code === 'UNAUTHENTICATED') {
      violations.report('I5', null, `a valid token was refused: ${outcome.error.message}`);
    }
    return outcome;
  }

  /** The server must never answer with INTERNAL. */
  async function outcomeOf<T>(call: () => Promise<T>): Promise<Outcome<T>> {
    try {
      return { kind: 'acknowledged', value: await call() };
    } catch (failure) {
      const error = readAppError(failure);
      if (error === null)
        return { kind: 'unanswered', why: failure instanceof Error ? failure.message : String(failure) };
      if (error.code === 'INTERNAL')
        violations.report('I5', null, `a command was answered with INTERNAL: ${error.message}`);
      if (error.code === 'UNAVAILABLE' && error.retryAfterSeconds === null) {
        violations.report('I5', null, `UNAVAILABLE has no Retry-After: ${error.message}`);
      }
      const passing = error.code === 'UNAVAILABLE' || error.code === 'INTERNAL' || error.code === 'RATE_LIMITED';
      return passing ? { kind: 'unanswered', why: error.code } : { kind: 'refused', error };
    }
  }

  async function create(client: Client, user: number): Promise<void> {
    const creation = ledger.newCreation(user);
    // Repeats the request with the same idempotency key until the server answers.
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const outcome = await send(() =>
        client.projects.create({
          name: creation.name,
          idempotencyKey: creation.idempotencyKey,
          description: 'created by chaos',
        }),
      );
      if (outcome.kind === 'acknowledged') {
        ledger.created(creation, outcome.value);
        return;
      }
      if (outcome.kind === 'refused') return refuseCreation(creation, outcome.error);
      await delay(1_000, undefined, { signal }).catch(() => undefined); // the run ends
      if (signal.aborted) return;
    }
  }

  function refuseCreation(creation: Creation, error: AppError): void {
    // `mayHave` counts this creation too.
    const full = ledger.mayHave(creation.user, creation.atMs) > maxProjects;
    ledger.creationRefused(creation);
    if (error.code === 'QUOTA_EXCEEDED' && full) return;
    violations.report('I5', null, `create of "${creation.name}" was refused with ${error.code}: ${error.message}`);
  }

  async function change(client: Client, account: Account, command: ProjectCommand): Promise<void> {
    const name = `Renamed ${account.user} ${account.changes} ${account.id.slice(0, 8)}`;
    ledger.begin(account, command, name);
    const outcome = await send<Project>(() =>
      command === 'update' ? client.projects.update({ id: account.id, name }) : client.projects[command](account.id),
    );
    switch (outcome.kind) {
      case 'acknowledged':
        return ledger.acknowledged(account, command, name, outcome.value);
      case 'refused':
        return ledger.refused(account, command, outcome.error.code, outcome.error.message);
      case 'unanswered':
        return ledger.unanswered(account, command, name, outcome.why);
    }
  }

  /** A list must show every acknowledged command, and no projects of other users. */
  async function list(client: Client, user: number): Promise<void> {
    const before = new Map(
      ledger.free(user).map((account) => [account.id, { changes: account.changes, version: account.version }]),
    );
    const outcome = await send(() => client.projects.list({ limit: 100 }));
    if (outcome.kind === 'refused') violations.report('I5', null, `list was refused: ${outcome.error.message}`);
    if (outcome.kind !== 'acknowledged') return;
    const listed = new Map(outcome.value.items.map((project) => [project.id, project]));
    for (const id of listed.keys()) {
      const other = ledger.find(id);
      if (other && other.user !== user) violations.report('I5', id, `user ${user} got a project of user ${other.user}`);
    }
    for (const [id, { changes, version }] of before) {
      const account = ledger.find(id);
      if (!account || account.changes !== changes) continue; // a command was sent in the meantime
      const project = listed.get(id);
      const expected = `${[...account.desired].join(' or ')}, "${[...account.names].join('" or "')}", version ${version} or later`;
      if (!project) {
        if (!account.desired.has('deleted'))
          violations.report('I5', id, `it is missing in a list; expected: ${expected}`);
      } else if (
        !account.desired.has(project.desiredState) ||
        !account.names.has(project.name) ||
        project.statusVersion < version
      ) {
        const observed = `${project.desiredState}, "${project.name}", version ${project.statusVersion}`;
        violations.report('I5', id, `a list shows ${observed}; expected: ${expected}`);
      }
    }
  }

  return {
    async run(command) {
      const viewer = viewers.find(({ user, server }) => user === command.user && server === command.server);
      if (!viewer) throw new Error(`There is no client of user ${command.user} at server ${command.server}.`);
      const { client } = viewer;
      if (command.kind === 'create') return create(client, command.user);
      if (command.kind === 'list') return list(client, command.user);
      const free = ledger.free(command.user).filter((account) => !isGone(account));
      const account = free[Math.floor(command.pick * free.length)];
      if (!account) {
        counts.skipped += 1;
        return;
      }
      return change(client, account, command.kind);
    },
    counts: () => ({ ...counts }),
    unansweredReasons: () => reasons,
    latencies: () => latencies.toSorted((a, b) => a - b),
  };
}
