/**
 * What people may do with the runs of a project. Each command changes the row, and the runner makes OpenCode agree with it. The
 * server itself never talks to a pod.
 */

import { AppError } from '../../shared/contract/errors.ts';
import { hasEnded, type PendingRequest, type Run, type RunAnswer } from '../../shared/contract/tasks.ts';
import type { Database } from '../../shared/node/db/database.ts';
import { findPermittedProject } from '../../shared/node/db/projects-repository.ts';
import { toRun, type RunRecord } from '../../shared/node/db/run-record.ts';
import {
  changeRun,
  findPermittedRun,
  insertRun,
  listRunsOfTask,
  readTranscript,
  type NewRun,
  type RunPatch,
} from '../../shared/node/db/runs-repository.ts';
import { findPermittedTask } from '../../shared/node/db/tasks-repository.ts';
import { publishRun } from '../../shared/node/publish-run.ts';
import type { RunQueue } from '../../shared/node/run-queue.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { maxActiveRunsPerProject } from '../limits.ts';
import { projectNotFound } from '../projects/service.ts';
import type { ProjectCaller, RunService } from '../services.ts';
import { refuseDeleted, taskNotFound } from '../tasks/service.ts';

const listedRuns = 100;
const queued = 'Waiting for a worker to take the run.';

/** The same error for a run of another owner and for a run that does not exist. */
export function runNotFound(): AppError {
  return new AppError(
    'NOT_FOUND',
    'You have no run with this id. It may have been deleted, or belong to somebody else.',
  );
}

const keyOf = ({ user, right }: ProjectCaller, id: string) => ({ id, userId: user.id, right });

interface RunServiceDeps {
  db: Database;
  queue: Pick<RunQueue, 'enqueue'>;
  publisher: StatusPublisher;
  newId: () => string;
}

export function createRunService(deps: RunServiceDeps): RunService {
  const { db, publisher } = deps;

  async function findOwn(caller: ProjectCaller, id: string): Promise<RunRecord> {
    const record = await findPermittedRun(db, keyOf(caller, id));
    if (!record) throw runNotFound();
    return record;
  }

  /** A follow-up to a review goes to the agent whose work was reviewed. */
  async function findContinued(caller: ProjectCaller, id: string): Promise<RunRecord> {
    const run = await findOwn(caller, id);
    return run.reviewsRunId === null ? run : await findOwn(caller, run.reviewsRunId);
  }

  async function change(caller: ProjectCaller, id: string, patchOf: (run: RunRecord) => RunPatch | null): Promise<Run> {
    const result = await changeRun(db, { id, permit: keyOf(caller, id) }, patchOf);
    if (!result) throw runNotFound();
    await publishRun(publisher, result);
    return toRun(result.record);
  }

  /** The run is stored before it is queued. Without Redis the worker finds it by itself. */
  async function start(caller: ProjectCaller, run: Omit<NewRun, 'id' | 'message'>): Promise<Run> {
    const project = await findPermittedProject(db, keyOf(caller, run.projectId));
    if (!project) throw projectNotFound();
    refuseDeleted(project);
    const insert = { ...run, id: deps.newId(), message: queued };
    const { record } = await insertRun(db, insert, { maxActive: maxActiveRunsPerProject });
    await Promise.all([
      hasEnded(record) ? null : deps.queue.enqueue(record.id),
      publisher.publish({ type: 'tasks', projectId: record.projectId }),
    ]);
    return toRun(record);
  }

  return {
    async start(caller, { taskId, prompt, idempotencyKey }) {
      const task = await findPermittedTask(db, keyOf(caller, taskId));
      if (!task) throw taskNotFound();
      const { projectId, title, description } = task;
      const text = prompt ?? (description === '' ? title : `${title}\n\n${description}`);
      return await start(caller, { taskId, projectId, idempotencyKey, prompt: text, continues: null });
    },
    async followUp(caller, { runId, text, idempotencyKey }) {
      const {
        id,
        taskId,
        projectId,
        state,
        workspace,
        opencodeSessionId: sessionId,
      } = await findContinued(caller, runId);
      if (sessionId === null && hasEnded({ state })) {
        const message = 'The run ended before its session began, so there is nothing to continue. Choose “Run again”.';
        throw new AppError('ILLEGAL_STATE', message);
      }
      const continues = sessionId === null ? null : { runId: id, sessionId, workspace };
      return await start(caller, { taskId, projectId, idempotencyKey, prompt: text, continues });
    },
    get: async (caller, id) => toRun(await findOwn(caller, id)),
    async list(caller, taskId) {
      const task = await findPermittedTask(db, keyOf(caller, taskId));
      if (!task) throw taskNotFound();
      return { items: (await listRunsOfTask(db, { taskId, limit: listedRuns })).map(toRun) };
    },
    abort: (caller, id) =>
      change(caller, id, () => ({ desiredState: 'aborted', message: 'The run is being aborted.' })),
    async answer(caller, { runId, requestId, answer }) {
      const before = await findOwn(caller, runId);
      if (hasEnded(before)) throw alreadyEnded();
      return await change(caller, runId, (run) => answerPatch(run, requestId, answer));
    },
    async transcript(caller, id) {
      const run = await findOwn(caller, id);
      return await readTranscript(db, run.id);
    },
  };
}

function alreadyEnded(): AppError {
  return new AppError('ILLEGAL_STATE', 'The run has ended, so it waits for no answer. Send a follow-up instead.');
}

/** The first answer to a request counts. The runner sends it to OpenCode. */
function answerPatch(run: RunRecord, requestId: string, answer: RunAnswer): RunPatch | null {
  if (Object.hasOwn(run.answers, requestId)) return null;
  const request = run.pending.find(({ id }) => id === requestId);
  if (!request) {
    throw new AppError('ILLEGAL_STATE', 'The agent does not wait for this answer any more. Look at the run again.');
  }
  const problem = problemOf(request, answer);
  if (problem !== null) throw new AppError('VALIDATION_FAILED', problem, { fields: { answer: problem } });
  const pending = run.pending.filter(({ id }) => id !== requestId);
  return { answers: { ...run.answers, [requestId]: answer }, pending };
}

function problemOf(request: PendingRequest, answer: RunAnswer): string | null {
  if (request.type !== answer.type) return `Answer a ${request.type} with an answer of the type ${request.type}.`;
  if (request.type === 'permission' || answer.type === 'permission' || answer.answers === null) return null;
  return request.questions.length === answer.answers.length ? null : 'Answer each of the questions.';
}
