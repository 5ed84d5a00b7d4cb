/** One command of the owner, or of the system in the owner's place: commits it with its line of the timeline, then announces it to servers and worker. */

import type { Clock } from '../clock.ts';
import type { ProjectCommand } from '../contract/commands.ts';
import type { Announcer } from './announcer.ts';
import { activityOfCommand, applyCommand } from './apply-command.ts';
import type { Database } from './db/database.ts';
import type { ProjectRecord } from './db/project-record.ts';
import { changeOwnedProject, type ProjectPatch } from './db/projects-repository.ts';
import { withinQuota } from './db/quota-repository.ts';
import type { RestoredData } from './db/restored-data.ts';
import { noSizeRules, type SizeRules } from './sizes/size-rules.ts';

export interface OwnersCommand {
  id: string;
  ownerId: string;
  command: ProjectCommand;
  /** Follows the command through logs and queue. */
  requestId: string;
  /** Further fields that the command sets. */
  patch?: ProjectPatch;
  /** Set when not the owner commands. */
  by?: BySystem;
}

interface BySystem {
  /** The line of the timeline, which says why. */
  message: string;
  /** The command is given only if this still holds for the row that it changes. */
  onlyIf?: (record: ProjectRecord) => boolean;
  /** The command is given only if nobody has used the project since this number was read. */
  uses?: number;
}

export interface CommandDeps {
  db: Database;
  restoredData: Pick<RestoredData, 'check'>;
  announcer: Announcer;
  clock: Clock;
  /** What one person may use at the same time. */
  sizeRules: SizeRules;
}

/** The commands after which a project that was stopped may run. */
const starts: ReadonlySet<ProjectCommand> = new Set(['start', 'restart', 'retry']);

/**
 * @returns `null` when this owner has no such project
 * @throws AppError ILLEGAL_STATE when the project does not allow the command now; QUOTA_EXCEEDED with what to stop
 */
export async function commandProject(
  { db, restoredData, announcer, clock, sizeRules }: CommandDeps,
  { id, ownerId, command, requestId, patch, by }: OwnersCommand,
): Promise<ProjectRecord | null> {
  // The generation of the command must be later than that of every pod, also right after a restore of the database.
  await restoredData.check();
  const key = { id, ownerId, uses: by?.uses };
  const rules = starts.has(command) ? sizeRules : noSizeRules;
  const result = await withinQuota(db, { id, ownerId, rules }, (within, check) =>
    changeOwnedProject(within, key, (record) => {
      if (by?.onlyIf?.(record) === false) return null;
      const pending = applyCommand(command, record, new Date(clock.now()).toISOString());
      if (pending) check(record, pending);
      const event = activityOfCommand[command];
      const line = by ? { actorId: null, kind: event.kind, message: by.message } : { actorId: ownerId, ...event };
      return pending && { patch: { ...pending, ...patch }, event: line };
    }),
  );
  if (result?.changed) await announcer.announce(result.record, { requestId, needsJob: true });
  return result?.record ?? null;
}
