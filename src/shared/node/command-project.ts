/** One command of a person, or of the system: commits it with its line of the timeline, then announces it to servers and worker. */

import type { Clock } from '../clock.ts';
import type { ProjectCommand } from '../contract/commands.ts';
import type { Announcer } from './announcer.ts';
import { activityOfCommand, applyCommand } from './apply-command.ts';
import type { Database } from './db/database.ts';
import { readNotice, startsRefused } from './db/notice-repository.ts';
import type { ProjectRecord } from './db/project-record.ts';
import { changeProject, type ProjectPatch } from './db/projects-repository.ts';
import { withinQuota } from './db/quota-repository.ts';
import type { RestoredData } from './db/restored-data.ts';
import type { Permit } from './project-access.ts';
import { noSizeRules, type SizeRules } from './sizes/size-rules.ts';

export interface GivenCommand {
  id: string;
  command: ProjectCommand;
  /** Follows the command through logs and queue. */
  requestId: string;
  /** Further fields that the command sets. */
  patch?: ProjectPatch;
  by: Permit | BySystem;
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
 * @returns `null` when the project does not exist for this person
 * @throws AppError FORBIDDEN; ILLEGAL_STATE when the project does not allow the command now, or the administrators let no project
 * start; QUOTA_EXCEEDED with what to stop
 */
export async function commandProject(
  { db, restoredData, announcer, clock, sizeRules }: CommandDeps,
  { id, command, requestId, patch, by }: GivenCommand,
): Promise<ProjectRecord | null> {
  // The generation of the command must be later than that of every pod, also right after a restore of the database.
  await restoredData.check();
  const notice = starts.has(command) ? await readNotice(db) : null;
  const { person, system } = 'userId' in by ? { person: by, system: null } : { person: null, system: by };
  const key = { id, ...(person ? { permit: person } : { uses: system?.uses }) };
  const event = activityOfCommand[command];
  const line = system
    ? { actorId: null, kind: event.kind, message: system.message }
    : { actorId: person?.userId ?? null, ...event };
  const rules = starts.has(command) ? sizeRules : noSizeRules;
  const result = await withinQuota(db, { id, permit: person, rules }, (within, check) =>
    changeProject(within, key, (record) => {
      if (system?.onlyIf?.(record) === false) return null;
      const pending = applyCommand(command, record, new Date(clock.now()).toISOString());
      if (pending && notice?.isDraining) throw startsRefused(notice);
      if (pending) check(record, pending);
      return pending && { patch: { ...pending, ...patch }, event: line };
    }),
  );
  if (result?.changed) await announcer.announce(result.record, { requestId, needsJob: true });
  return result?.record ?? null;
}
