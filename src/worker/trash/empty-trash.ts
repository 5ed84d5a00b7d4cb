/**
 * Deletes projects that were in the trash for the whole time. Every round adds the time since the last one to each of them.
 * `decide-trash.ts` decides. The deletion is an ordinary command. Only the watch leader runs it, and only its time is added.
 */

import { randomUUID } from 'node:crypto';

import type { Clock } from '../../shared/clock.ts';
import { commandProject, type CommandDeps } from '../../shared/node/command-project.ts';
import type { Lease } from '../../shared/node/db/leases-repository.ts';
import { toPublished, type ProjectRecord } from '../../shared/node/db/project-record.ts';
import { addTrashSeconds, changeProject } from '../../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { runPeriodically } from '../../shared/node/periodic.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { decideTrash } from './decide-trash.ts';

const intervalMs = 10 * 60_000;
/** A worker that was frozen has observed nothing meanwhile. */
const longestStepSeconds = 15 * 60;

export interface EmptyTrashDeps extends CommandDeps {
  publisher: StatusPublisher;
  trashDays: number;
  clock: Clock;
  log: Log;
}

/** Runs until the leadership ends. Never rejects. */
export function emptyTrash(
  deps: EmptyTrashDeps,
  { lease, signal }: { lease: Lease; signal: AbortSignal },
): Promise<void> {
  const warn = createLimitedWarn(deps.log);
  const onError = (error: unknown): void =>
    warn(String(error), { error: String(error) }, 'the trash could not be read; trying again in ten minutes');
  return runPeriodically({ task: createTrashRounds(deps, lease), intervalMs, onError }, signal);
}

const isInTrash = ({ trashedAt, desiredState }: ProjectRecord): boolean =>
  trashedAt !== null && desiredState === 'stopped';

/** Returns the task of one round. @throws the first error of the database */
export function createTrashRounds(deps: EmptyTrashDeps, { name, epoch }: Pick<Lease, 'name' | 'epoch'>) {
  const { db, clock, restoredData, trashDays } = deps;
  const fence = { lease: name, epoch };
  let lastMs: number | null = null;

  async function visit({ id }: ProjectRecord): Promise<void> {
    const decide = ({ trashSeconds, trashDaysLeft: shownDays }: ProjectRecord) =>
      decideTrash({ trashSeconds, shownDays, limitDays: trashDays });

    const result = await changeProject(db, { id, fence }, (record) => {
      if (!isInTrash(record)) return null;
      const { trashSeconds, daysLeft: trashDaysLeft, isExpired } = decide(record);
      return isExpired ? null : { patch: { trashSeconds, trashDaysLeft } };
    });
    if (result?.changed) await deps.publisher.publish({ type: 'project', project: toPublished(result.record) });
    if (!result || result.changed || !isInTrash(result.record) || !decide(result.record).isExpired) return;
    await commandProject(deps, {
      id,
      command: 'delete',
      requestId: randomUUID(),
      by: {
        message: `Deleted because it was in the trash for ${trashDays === 1 ? '1 day' : `${trashDays} days`}.`,
        // Somebody may have restored it since.
        onlyIf: (record) => isInTrash(record) && decide(record).isExpired,
      },
    });
  }

  return async (): Promise<void> => {
    // Rows of a backup may say that a project is in the trash, although people have used it since.
    await restoredData.check();
    const nowMs = clock.monotonic();
    const seconds = lastMs === null ? 0 : Math.min(Math.floor((nowMs - lastMs) / 1_000), longestStepSeconds);
    const trashed = await addTrashSeconds(db, { seconds, fence });
    lastMs = nowMs;
    for (const project of trashed) await visit(project);
  };
}
