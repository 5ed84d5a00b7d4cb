/** The logs of the containers of a project: read once, or followed. The worker reads them from Kubernetes. */

import { AppError } from '../../shared/contract/errors.ts';
import { maxTailLines, type LogContainer, type LogEvent, type LogLine } from '../../shared/contract/pod-logs.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { outageOf } from '../../shared/node/db/outage.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { findPermittedProject } from '../../shared/node/db/projects-repository.ts';
import { mayRead, whileAdmitted } from '../files/while-admitted.ts';
import type { ProjectCaller, ProjectLogService } from '../services.ts';
import { newLogLines, type LogPosition } from './new-log-lines.ts';
import type { ReadLog } from './pod-log-queue.ts';
import { projectNotFound } from './service.ts';

const followIntervalMs = 1_000;
/** The lines that a subscriber is sent first. */
const firstLines = 500;

interface ProjectLogsDeps {
  db: Database;
  readLog: ReadLog;
  /** Resolves after this time, or at once when the signal aborts. Never rejects. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createProjectLogs(deps: ProjectLogsDeps): ProjectLogService {
  const { db, readLog, pause } = deps;

  async function find({ user, right }: ProjectCaller, id: string): Promise<ProjectRecord> {
    const record = await findPermittedProject(db, { id, userId: user.id, right });
    if (!record) throw projectNotFound();
    return record;
  }

  return {
    async read(caller, { id, ...request }) {
      const record = await find(caller, id);
      if (record.podUid === null) return { lines: [], truncated: false, message: noPodMessage(record) };
      const result = await readLog({ podName: record.podName, ...request });
      return result.kind === 'log'
        ? { lines: result.lines, truncated: result.truncated, message: null }
        : { lines: [], truncated: false, message: result.message };
    },

    async *follow(caller, { id, container, signal, whenWritable }) {
      const progress: Progress = { podUid: null, position: null, hasSnapshot: false };
      let shown: string | null = null;
      while (!signal.aborted) {
        // A worker may take seconds to answer.
        const admitted = whileAdmitted(() => mayRead(() => find(caller, id)));
        const ended = AbortSignal.any([signal, admitted.signal]);
        const open = async (): Promise<LogSource> => ({
          record: await find(caller, id),
          read: (request) => readLog(request, ended),
          container,
        });
        const event = await nextEvent(progress, open, ended).finally(admitted.stop);
        if (event === 'replaced') return;
        // A reason is sent once. Lines end it, even when there are none.
        const reason = event.type === 'waiting' ? event.message : null;
        if (reason !== shown || (event.type !== 'waiting' && isWorthSending(event))) {
          await whenWritable(signal);
          if (signal.aborted) return;
          yield event;
          shown = reason;
        }
        await pause(followIntervalMs, signal);
      }
    },
  };
}

/** What one subscriber was sent. */
interface Progress {
  /** The pod whose log is followed; `null` while there was none. */
  podUid: string | null;
  position: LogPosition | null;
  hasSnapshot: boolean;
}

interface LogSource {
  record: ProjectRecord;
  read: ReadLog;
  container: LogContainer;
}

const isWorthSending = (event: { type: 'snapshot' | 'lines'; lines: LogLine[] }): boolean =>
  event.type === 'snapshot' || event.lines.length > 0;

/** Reads once. An outage is a reason to wait, because an error would end the subscription. */
async function nextEvent(
  progress: Progress,
  open: () => Promise<LogSource>,
  signal: AbortSignal,
): Promise<LogEvent | 'replaced'> {
  try {
    const source = await open();
    const { podUid } = source.record;
    if (podUid === null) return { type: 'waiting', message: noPodMessage(source.record) };
    progress.podUid ??= podUid;
    return progress.podUid === podUid ? await readOnce(progress, source) : 'replaced';
  } catch (error) {
    const outage = error instanceof AppError && error.code === 'UNAVAILABLE' ? error : outageOf(error);
    if (signal.aborted) return { type: 'lines', lines: [], truncated: false };
    if (outage) return { type: 'waiting', message: outage.message };
    throw error;
  }
}

async function readOnce(progress: Progress, { record, read, container }: LogSource): Promise<LogEvent> {
  const { position, hasSnapshot } = progress;
  const result = await read({
    podName: record.podName,
    container,
    previous: false,
    tailLines: hasSnapshot ? maxTailLines : firstLines,
    ...(position === null ? {} : { sinceTime: position.at }),
  });
  if (result.kind === 'unavailable') return { type: 'waiting', message: result.message };
  const { fresh, isAdjacent, position: after } = newLogLines(result.lines, position);
  progress.position = after;
  progress.hasSnapshot = true;
  if (!hasSnapshot) return { type: 'snapshot', lines: fresh, truncated: result.truncated };
  return { type: 'lines', lines: fresh, truncated: result.truncated && !isAdjacent };
}

function noPodMessage({ desiredState, trashedAt }: ProjectRecord): string {
  if (trashedAt !== null && desiredState === 'stopped') {
    return 'The project is in the trash, so its containers do not run. Restore and start it to see their logs.';
  }
  switch (desiredState) {
    case 'stopped':
      return 'The project is stopped, so its containers do not run. Start the project to see their logs.';
    case 'deleted':
      return 'The project has been deleted, and its logs with it.';
    case 'running':
      return 'The project has no pod yet. The log appears when its containers start.';
  }
}
