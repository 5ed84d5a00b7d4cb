/** Sends the planned commands through the clients, and records them in the ledger. */

import type { AppError } from '../../src/shared/contract/errors.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import type { Client } from '../../src/shared/sdk/client.ts';
import { isGone, type Account, type Creation, type Ledger, type ProjectCommand } from './ledger.ts';
import type { RunActions } from './runs.ts';
import type { PlannedCommand } from './schedule.ts';
import type { Sender } from './sender.ts';
import type { Viewer } from './viewers.ts';
import type { Violations } from './violations.ts';
import { maxProjects } from './world.ts';

export interface Commands {
  /** Sends the command. Never rejects. */
  run(command: PlannedCommand): Promise<void>;
  /** The number of commands for which there was no project. */
  skipped(): number;
}

export function createCommands(deps: {
  ledger: Ledger;
  viewers: readonly Viewer[];
  violations: Violations;
  sender: Sender;
  runs: RunActions;
}): Commands {
  const { ledger, viewers, violations, sender, runs } = deps;
  let skipped = 0;

  async function create(client: Client, user: number): Promise<void> {
    const creation = ledger.newCreation(user);
    const outcome = await sender.sendUntilAnswered(() =>
      client.projects.create({
        name: creation.name,
        idempotencyKey: creation.idempotencyKey,
        description: 'created by chaos',
      }),
    );
    if (outcome?.kind === 'acknowledged') ledger.created(creation, outcome.value);
    if (outcome?.kind === 'refused') refuseCreation(creation, outcome.error);
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
    const outcome = await sender.send<Project>(() =>
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
    const outcome = await sender.send(() => client.projects.list({ limit: 100 }));
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
      if (command.kind === 'abort run') return runs.abort(client, command);
      if (command.kind === 'answer run') return runs.answer(client, command);
      const free = ledger.free(command.user).filter((account) => !isGone(account));
      const account = free[Math.floor(command.pick * free.length)];
      if (!account) {
        skipped += 1;
        return;
      }
      if (command.kind === 'start run') return runs.start(client, account, command.user);
      return change(client, account, command.kind);
    },
    skipped: () => skipped,
  };
}
