/** The checks at the end of a run, after everything was repaired. */

import { isDeepStrictEqual } from 'node:util';

import { waitUntil } from '../../src/embedded/process/wait-until.ts';
import { toPublished, type ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { projectFor } from '../../src/shared/node/project-access.ts';
import { projectIdOf } from './cluster-observer.ts';
import type { Present } from './convergence.ts';
import type { Ledger } from './ledger.ts';
import type { Viewer } from './viewers.ts';
import type { Violations } from './violations.ts';

/** The servers compare their subscriptions with the database every eight seconds. */
const viewLimitMs = 15_000;

/** I5: each row is in a state that the ledger allows, and every row was requested. */
export function checkRows(records: ProjectRecord[], ledger: Ledger, violations: Violations): void {
  const rows = new Map(records.map((record) => [record.id, record]));
  for (const account of ledger.accounts()) {
    const row = rows.get(account.id);
    const desired = `${[...account.desired].join(' or ')}, "${[...account.names].join('" or "')}", version ${account.version} or later`;
    if (!row) {
      violations.report('I5', account.id, `it is missing in the database; expected: ${desired}`);
    } else if (
      !account.desired.has(row.desiredState) ||
      !account.names.has(row.name) ||
      row.statusVersion < account.version
    ) {
      const observed = `${row.desiredState}, "${row.name}", version ${row.statusVersion}`;
      violations.report('I5', account.id, `the database says: ${observed}; expected: ${desired}`);
    }
  }
  const maybe = new Set(ledger.unknownCreations().map(({ idempotencyKey }) => idempotencyKey));
  for (const row of records) {
    if (ledger.find(row.id) || maybe.has(row.idempotencyKey ?? '')) continue;
    violations.report('I5', row.id, `"${row.name}" is in the database, but nobody has requested it`);
  }
}

/** I4: every client shows what the database says. Returns how long that took. */
export async function awaitViews(
  viewers: readonly Viewer[],
  options: { read: () => Promise<Present>; userOf: (ownerId: string) => number; violations: Violations },
): Promise<number> {
  const { read, userOf, violations } = options;
  const startedAt = performance.now();
  let stale: { id: string; text: string }[] = [];
  await waitUntil(
    async () => {
      const { records } = await read();
      stale = viewers.flatMap((viewer) =>
        records
          .filter((record) => userOf(record.ownerId) === viewer.user)
          .flatMap((record) => staleness(viewer, record)),
      );
      return stale.length === 0 ? true : undefined;
    },
    { timeoutMs: viewLimitMs, intervalMs: 200 },
  );
  for (const { id, text } of stale) violations.report('I4', id, text);
  return performance.now() - startedAt;
}

function staleness(viewer: Viewer, record: ProjectRecord): { id: string; text: string }[] {
  const shown = viewer.view.get(record.id);
  const desired = projectFor(toPublished(record), record.ownerId);
  // A restore raises the numbers of all projects, and clients start over with those that are not archived. A poisoned row that
  // was archived before it was repaired has got another time of creation and another version since, which nobody announces. A row from before its
  // archiving is archived again, at another time.
  const { statusVersion, generation, observedGeneration, createdAt, updatedAt, deletedAt, reasonSince } = desired;
  const isArchived = shown?.status === 'archived' && record.status === 'archived';
  const times = { createdAt, updatedAt, deletedAt, reasonSince };
  const changed = isArchived ? { statusVersion, generation, observedGeneration, ...times } : {};
  if (shown && isDeepStrictEqual({ ...shown, ...changed }, desired)) return [];
  if (!shown && record.status === 'archived') return []; // it was deleted before this client received it
  const describe = (project: { status: string; statusVersion: number }) =>
    `${project.status}, version ${project.statusVersion}`;
  const observed = shown ? describe(shown) : 'nothing';
  return [{ id: record.id, text: `the ${viewer.name} shows ${observed}; the database says ${describe(desired)}` }];
}

/** I6: no row is missing for a pod or claim with our label. */
export function checkLeftovers(
  { records, pods, claims }: Present,
  { ledger, violations }: { ledger: Ledger; violations: Violations },
): void {
  const live = records.filter(({ status }) => status !== 'archived');
  const podNames = new Set(live.map(({ podName }) => podName));
  const claimNames = new Set(live.map(({ workspacePvcName }) => workspacePvcName));
  for (const [kind, objects, names] of [
    ['pod', pods, podNames],
    ['claim', claims, claimNames],
  ] as const) {
    for (const object of objects) {
      const name = object.metadata?.name ?? '';
      // What a restore has lost is kept: its volume for ever, and its pod for an hour.
      if (!names.has(name) && !ledger.isLost(projectIdOf(object), object.metadata?.creationTimestamp))
        violations.report('I6', projectIdOf(object), `the ${kind} ${name} belongs to no live project`);
    }
  }
}
