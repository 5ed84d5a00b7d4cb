/**
 * Stops projects that nobody uses. Every round asks the session proxy of each project that has such a limit, and stores for how long the
 * project is known to be unused. `decide-idle-stop.ts` decides. The stop is an ordinary command, which is not given if anything has
 * changed meanwhile. Only the watch leader runs it, and a second one would do no harm.
 */

import { randomUUID } from 'node:crypto';

import type { Clock } from '../../shared/clock.ts';
import { idleLimitMinutes, idleStopMessage, type InstallationIdleStop } from '../../shared/contract/idle-stop.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import { readyPodOf, sidecarCredentialOf, type ReadyPod } from '../../shared/node/access/ready-pod.ts';
import { commandProject, type CommandDeps } from '../../shared/node/command-project.ts';
import { toPublished } from '../../shared/node/db/project-record.ts';
import { listIdleCandidates, storeIdleness, type IdleCandidate } from '../../shared/node/db/project-use-repository.ts';
import { setIdleCountdown } from '../../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../../shared/node/log-limit.ts';
import type { Log } from '../../shared/node/log.ts';
import { runPeriodically } from '../../shared/node/periodic.ts';
import type { StatusPublisher } from '../../shared/node/status-stream.ts';
import { readActivity } from '../../shared/opencode/read-activity.ts';
import { decideIdleStop } from './decide-idle-stop.ts';

const intervalMs = 30_000;
const pageSize = 500;
/** Pods that are asked at the same time. */
const maxAsked = 20;

export interface IdleStopDeps extends Omit<CommandDeps, 'clock'> {
  publisher: StatusPublisher;
  /** `null`: this installation has no ACCESS_SECRET. */
  accessKeys: AccessKeys | null;
  /** For projects without a choice of their own. */
  installationDefault: InstallationIdleStop;
  clock: Clock;
  log: Log;
}

export interface IdleStops {
  /** Visits every project once. @throws the first error of the database */
  visitAll(signal: AbortSignal): Promise<void>;
}

/** Runs until `signal` aborts. Never rejects. */
export function stopIdleProjects(deps: IdleStopDeps, signal: AbortSignal): Promise<void> {
  const warn = createLimitedWarn(deps.log);
  const onError = (error: unknown): void =>
    warn(String(error), { error: String(error) }, 'unused projects could not be found; trying again');
  const stops = createIdleStops(deps);
  return runPeriodically({ task: (aborted) => stops.visitAll(aborted), intervalMs, onError }, signal);
}

/** What was stored, and when, by the clock of this program that only ever runs forward. */
interface LastVisit {
  atMs: number;
  idleSeconds: number;
  observed: string | null;
}

export function createIdleStops(deps: IdleStopDeps): IdleStops {
  const { db, clock, log, installationDefault } = deps;
  let lastVisits = new Map<string, LastVisit>();

  /** What another worker has stored says nothing about the time since our own visit. */
  function secondsSince(last: LastVisit | undefined, stored: IdleCandidate['stored'], nowMs: number): number | null {
    if (last?.idleSeconds !== stored.idleSeconds || last.observed !== stored.observed) return null;
    return Math.max(0, Math.floor((nowMs - last.atMs) / 1_000));
  }

  async function visit(candidate: IdleCandidate, signal: AbortSignal): Promise<void> {
    const { project, stored, hasRun } = candidate;
    const { id } = project;
    const limitMinutes = idleLimitMinutes(project.idleStop, installationDefault);
    const beganAtMs = clock.monotonic();
    const activity = limitMinutes === null ? null : await ask(candidate, signal);
    if (signal.aborted) return;
    const decision = decideIdleStop({
      limitMinutes,
      shownMinutes: project.idleStopInMinutes,
      hasRun,
      stored,
      activity,
      elapsedSeconds: secondsSince(lastVisits.get(id), stored, beganAtMs),
    });
    const { idleSeconds, observed, minutesLeft } = decision;
    lastVisits.set(id, { atMs: clock.monotonic(), idleSeconds, observed });
    if (idleSeconds !== stored.idleSeconds || observed !== stored.observed) {
      await storeIdleness(db, id, { before: stored, idleSeconds, observed });
    }
    if (decision.stop && limitMinutes !== null) await stop(candidate, limitMinutes);
    else if (minutesLeft !== project.idleStopInMinutes) await showCountdown(candidate, minutesLeft);
  }

  /** @returns `null` when the pod does not say it */
  async function ask({ project }: IdleCandidate, signal: AbortSignal) {
    const { accessKeys } = deps;
    const pod: ReadyPod | string = readyPodOf(project, (of) =>
      accessKeys === null ? null : sidecarCredentialOf(accessKeys, of),
    );
    if (typeof pod === 'string') return null;
    return readActivity({ ...pod, signal }).catch((error: unknown) => {
      log.debug({ projectId: project.id, error: String(error) }, 'a pod does not say whether it is used');
      return null;
    });
  }

  async function stop({ project, stored }: IdleCandidate, minutes: number): Promise<void> {
    const { id, statusVersion } = project;
    await commandProject(deps, {
      id,
      command: 'stop',
      requestId: randomUUID(),
      patch: { idleStoppedAfterMinutes: minutes },
      by: {
        message: idleStopMessage(minutes),
        onlyIf: (record) => record.statusVersion === statusVersion,
        uses: stored.uses,
      },
    });
  }

  async function showCountdown({ project }: IdleCandidate, minutes: number | null): Promise<void> {
    const { id, statusVersion } = project;
    const record = await setIdleCountdown(db, { id, statusVersion, minutes });
    if (record) await deps.publisher.publish({ type: 'project', project: toPublished(record) });
  }

  return {
    async visitAll(signal) {
      const visited = new Set<string>();
      for (let afterSeq = 0; !signal.aborted;) {
        const includeDefault = installationDefault !== 'never';
        const page = await listIdleCandidates(db, { includeDefault, afterSeq, limit: pageSize });
        const queue = page.values();
        const takeTurns = async () => {
          for (const candidate of queue) {
            if (signal.aborted) return;
            visited.add(candidate.project.id);
            await visit(candidate, signal);
          }
        };
        const ends = await Promise.allSettled(Array.from({ length: maxAsked }, takeTurns));
        for (const end of ends) if (end.status === 'rejected') throw end.reason;
        if (page.length < pageSize) break;
        afterSeq = page.at(-1)?.project.seq ?? afterSeq;
      }
      // A project that was not visited is observed again when it is back.
      lastVisits = new Map([...lastVisits].filter(([id]) => visited.has(id)));
    },
  };
}
