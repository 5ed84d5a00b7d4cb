/**
 * Records the commands and answers of a run, and so the states that each project may have. An answer leaves one state. A
 * command without an answer adds a state, because nobody knows whether it was carried out.
 */

import { randomUUID } from 'node:crypto';

import type { AppErrorCode } from '../../src/shared/contract/errors.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import type { DesiredState } from '../../src/shared/contract/states.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import type { CommandKind, RunCommandKind } from './schedule.ts';
import type { Violations } from './violations.ts';

/** A command without an answer may still arrive, so its project gets no other command for this time. */
const settleMs = 10_000;

export type ProjectCommand = Exclude<CommandKind, 'create' | 'list' | RunCommandKind>;

const commandOf: Record<ProjectCommand, DesiredState | null> = {
  update: null,
  stop: 'stopped',
  start: 'running',
  restart: 'running',
  retry: null,
  delete: 'deleted',
};

export interface Account {
  id: string;
  user: number;
  /** The desired states that the project may have. */
  desired: Set<DesiredState>;
  names: Set<string>;
  /** The highest version in any answer. */
  version: number;
  deletionRequested: boolean;
  busy: boolean;
  quietUntilMs: number;
  /** When the delete was acknowledged. */
  deletedAtMs: number;
  /** Rises with each command that begins or ends. */
  changes: number;
  history: string[];
}

export interface Creation {
  idempotencyKey: string;
  user: number;
  name: string;
  /** The time of the first request. */
  atMs: number;
}

export interface Ledger {
  accounts(): Account[];
  find(projectId: string): Account | undefined;
  /** Creations without a definite answer so far. */
  unknownCreations(): Creation[];
  /** Projects that can get a command now. */
  free(user: number): Account[];
  /** The largest number of projects that the user may have had at any moment since then. */
  mayHave(user: number, sinceMs: number): number;
  /** Counts as unknown until {@link created} or {@link creationRefused}. */
  newCreation(user: number): Creation;
  created(creation: Creation, project: Project): Account;
  creationRefused(creation: Creation): void;
  begin(account: Account, command: ProjectCommand, name: string): void;
  acknowledged(account: Account, command: ProjectCommand, name: string, project: Project): void;
  refused(account: Account, command: ProjectCommand, code: AppErrorCode, message: string): void;
  unanswered(account: Account, command: ProjectCommand, name: string, why: string): void;
  /** The database was restored: what it says now is what was commanded, besides commands that may still arrive. */
  restored(records: ProjectRecord[]): void;
  /** How often the database was restored. */
  restores(): number;
  /**
   * Whether a restore may have lost the project: only its pod and its volume are left. The ledger may not know the project, because
   * its creation got no answer.
   * @param objectCreatedAt when the pod or the volume was created
   */
  isLost(projectId: string, objectCreatedAt?: Date): boolean;
  /** Whether a delete of the project was ever requested, also if a restore has lost that. */
  wasDeletionRequested(projectId: string): boolean;
}

export function createLedger({ violations, nowMs }: { violations: Violations; nowMs: () => number }): Ledger {
  const accounts = new Map<string, Account>();
  const lost = new Map<string, Account>();
  const unknown = new Map<string, Creation>();
  const record = (account: Account, text: string) => {
    account.changes += 1;
    account.history.push(`${(nowMs() / 1_000).toFixed(1)} s  ${text}`);
  };
  let created = 0;
  let restores = 0;
  let restoredAt = new Date(0);

  function open(project: Project, user: number): Account {
    const account: Account = {
      id: project.id,
      user,
      desired: new Set([project.desiredState]),
      names: new Set([project.name]),
      version: project.statusVersion,
      deletionRequested: false,
      busy: false,
      quietUntilMs: 0,
      deletedAtMs: Infinity,
      changes: 0,
      history: [],
    };
    accounts.set(project.id, account);
    return account;
  }

  return {
    accounts: () => [...accounts.values()],
    find: (projectId) => accounts.get(projectId),
    unknownCreations: () => [...unknown.values()],
    free: (user) =>
      [...accounts.values()].filter(
        (one) => one.user === user && !one.busy && one.quietUntilMs <= nowMs() && !isGone(one),
      ),
    mayHave: (user, sinceMs) =>
      [...accounts.values()].filter((one) => one.user === user && one.deletedAtMs >= sinceMs).length +
      [...unknown.values()].filter((one) => one.user === user).length,
    newCreation(user) {
      const creation = { idempotencyKey: randomUUID(), user, name: `Project ${user} ${++created}`, atMs: nowMs() };
      unknown.set(creation.idempotencyKey, creation);
      return creation;
    },
    created(creation, project) {
      unknown.delete(creation.idempotencyKey);
      const known = accounts.get(project.id);
      const account = known ?? open(project, creation.user);
      record(account, `create acknowledged: version ${project.statusVersion}`);
      if (project.name !== creation.name || project.desiredState !== 'running') {
        violations.report(
          'I5',
          project.id,
          `create of "${creation.name}" returned "${project.name}" with the desired state ${project.desiredState}`,
        );
      }
      return account;
    },
    creationRefused: (creation) => void unknown.delete(creation.idempotencyKey),
    begin(account, command, name) {
      account.busy = true;
      if (command === 'delete') account.deletionRequested = true;
      record(account, command === 'update' ? `update to "${name}"` : command);
    },
    acknowledged(account, command, name, project) {
      account.busy = false;
      const { desiredState, statusVersion } = project;
      record(account, `${command} acknowledged: ${desiredState}, ${project.status}, version ${statusVersion}`);
      const commanded = commandOf[command];
      const desired = commanded === null ? account.desired : new Set([commanded]);
      if (!desired.has(desiredState)) {
        violations.report(
          'I5',
          account.id,
          `after ${command} the desired state should be ${[...desired].join(' or ')}, not ${desiredState}`,
        );
      }
      const names = command === 'update' ? new Set([name]) : account.names;
      if (!names.has(project.name)) {
        violations.report(
          'I5',
          account.id,
          `after ${command} its name should be ${[...names].join(' or ')}, not ${project.name}`,
        );
      }
      if (statusVersion < account.version) {
        violations.report('I5', account.id, `${command} returned version ${statusVersion} after ${account.version}`);
      }
      if (desiredState === 'deleted') account.deletedAtMs = Math.min(account.deletedAtMs, nowMs());
      account.desired = new Set([desiredState]);
      account.names = new Set([project.name]);
      account.version = Math.max(account.version, statusVersion);
    },
    refused(account, command, code, message) {
      account.busy = false;
      record(account, `${command} refused: ${code}`);
      if (mayBeIllegal(account, command) && code === 'ILLEGAL_STATE') return;
      if (lost.has(account.id) && code === 'NOT_FOUND') return;
      violations.report('I5', account.id, `${command} was refused with ${code}: ${message}`);
    },
    unanswered(account, command, name, why) {
      account.busy = false;
      record(account, `${command} without an answer: ${why}`);
      const commanded = commandOf[command];
      if (commanded) account.desired = new Set([...account.desired, commanded]);
      if (command === 'update') account.names = new Set([...account.names, name]);
      account.quietUntilMs = nowMs() + settleMs;
    },
    restores: () => restores,
    restored(records) {
      restores += 1;
      restoredAt = new Date();
      const rows = new Map(records.map((row) => [row.id, row]));
      for (const account of accounts.values()) {
        const row = rows.get(account.id);
        record(account, row ? `restored: ${row.desiredState}, "${row.name}"` : 'lost by a restore');
        if (!row) {
          accounts.delete(account.id);
          lost.set(account.id, account);
          continue;
        }
        const mayArrive = account.quietUntilMs > nowMs();
        account.desired = new Set([row.desiredState, ...(mayArrive ? account.desired : [])]);
        account.names = new Set([row.name, ...(mayArrive ? account.names : [])]);
        account.deletedAtMs = Infinity;
      }
    },
    isLost: (projectId, objectCreatedAt) =>
      lost.has(projectId) || (objectCreatedAt !== undefined && objectCreatedAt <= restoredAt),
    wasDeletionRequested: (projectId) => (accounts.get(projectId) ?? lost.get(projectId))?.deletionRequested ?? false,
  };
}

/** The project is deleted for certain, so it gets no more commands. */
export function isGone(account: Account): boolean {
  return account.desired.size === 1 && account.desired.has('deleted');
}

function mayBeIllegal(account: Account, command: ProjectCommand): boolean {
  return account.desired.has('deleted') || (command === 'restart' && account.desired.has('stopped'));
}
