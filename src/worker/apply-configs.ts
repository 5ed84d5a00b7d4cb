/**
 * Applies configurations to pods that run: for each row that names a version to apply, the version is given to the session proxy
 * of the pod, which makes OpenCode read it. Giving it again has no further effect, so a crash at any point is repeated. A project
 * that does not run needs nothing: its next pod starts with the newest version. Only the watch leader runs it.
 */

import type { AccessKeys } from '../shared/node/access/credentials.ts';
import { readyPodOf } from '../shared/node/access/ready-pod.ts';
import { findConfigVersion, listConfigsToApply } from '../shared/node/db/config-repository.ts';
import type { Database } from '../shared/node/db/database.ts';
import { toProject, type ProjectRecord } from '../shared/node/db/project-record.ts';
import { changeProject } from '../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../shared/node/log-limit.ts';
import type { Log } from '../shared/node/log.ts';
import { runPeriodically } from '../shared/node/periodic.ts';
import type { StatusPublisher } from '../shared/node/status-stream.ts';
import { configFilesOf } from '../shared/opencode/config-files.ts';
import { giveConfig } from '../shared/opencode/give-config.ts';
import { OpenCodeError } from '../shared/opencode/opencode-error.ts';

const intervalMs = 500;
/** In one round. Each pod has a time limit, and the rounds follow each other. */
const maxProjects = 50;

interface ApplyConfigsDeps {
  db: Database;
  publisher: StatusPublisher;
  /** `null`: this installation has no ACCESS_SECRET. */
  accessKeys: Pick<AccessKeys, 'credential'> | null;
  log: Log;
}

/** Runs until `signal` aborts. Never rejects. */
export function applyConfigs(deps: ApplyConfigsDeps, signal: AbortSignal): Promise<void> {
  const warn = createLimitedWarn(deps.log);
  const onError = (error: unknown): void =>
    warn(String(error), { error: String(error) }, 'configurations could not be applied; trying again');
  return runPeriodically({ task: () => applyAll(deps, signal), intervalMs, onError }, signal);
}

/** One round. */
export async function applyAll(deps: ApplyConfigsDeps, signal: AbortSignal): Promise<void> {
  const projects = await listConfigsToApply(deps.db, { limit: maxProjects });
  const results = await Promise.allSettled(projects.map((project) => applyOne(deps, project, signal)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function applyOne(deps: ApplyConfigsDeps, project: ProjectRecord, signal: AbortSignal): Promise<void> {
  const { id, configApplyVersion: version, desiredState, accessKeyId: keyId } = project;
  if (version === null) return;
  if (desiredState !== 'running') return await finish(deps, { id, version, message: null });
  const passwordOf = () => (keyId === null ? null : (deps.accessKeys?.credential('opencode', { id, keyId }) ?? null));
  const pod = readyPodOf(project, passwordOf);
  if (pod === 'state') return; // it starts, or will say why it cannot
  if (typeof pod === 'string') return await finish(deps, { id, version, message: notAppliedMessages[pod] });
  const saved = await findConfigVersion(deps.db, { projectId: id, version });
  if (!saved) return await finish(deps, { id, version, message: `Version ${version} is not kept any more.` });
  try {
    await giveConfig({ address: pod.address, password: pod.credential, signal }, configFilesOf(saved));
    await finish(deps, { id, version, message: `Applied version ${version} of the configuration.` });
  } catch (error) {
    if (!(error instanceof OpenCodeError)) throw error;
    deps.log.debug({ projectId: id, error: error.message }, 'a configuration was not applied');
    if (error.kind === 'unreachable') return; // it may be starting: the next round tries again
    await finish(deps, { id, version, message: refusedMessage(version, error) });
  }
}

const notAppliedMessages = {
  simulated: 'The configuration was not applied, because the pods of this installation are simulated.',
  'old-credentials':
    'The configuration was not applied, because the pod has credentials that are no longer valid. Restart the project: it starts with the newest version.',
} as const;

function refusedMessage(version: number, { kind }: OpenCodeError): string {
  const cause =
    kind === 'credential' || kind === 'not-found' || kind === 'unreadable'
      ? 'the pod was created before projects had a configuration'
      : 'the pod could not write it. Its volume may be full';
  return `Version ${version} of the configuration was not applied, because ${cause}. Restart the project: it starts with the newest version.`;
}

/** The command is carried out, unless a newer one was given meanwhile. */
async function finish(
  { db, publisher }: ApplyConfigsDeps,
  { id, version, message }: { id: string; version: number; message: string | null },
): Promise<void> {
  const result = await changeProject(db, { id }, ({ configApplyVersion }) =>
    configApplyVersion === version
      ? {
          patch: { configApplyVersion: null },
          event: message === null ? null : { kind: 'updated', actorId: null, message },
        }
      : null,
  );
  if (result?.changed) await publisher.publish({ type: 'project', project: toProject(result.record) });
}
