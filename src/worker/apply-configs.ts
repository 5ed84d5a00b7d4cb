/**
 * Applies configurations to pods that run: for each row with that command, the newest version is given to the session proxy of the
 * pod, which makes OpenCode read it. Giving it again has no further effect, so a crash at any point is repeated. A project
 * that does not run needs nothing: its next pod starts with the newest version. Only the watch leader runs it.
 */

import type { AccessKeys } from '../shared/node/access/credentials.ts';
import { readyPodOf } from '../shared/node/access/ready-pod.ts';
import { findConfigVersion, listConfigsToApply } from '../shared/node/db/config-repository.ts';
import type { Database } from '../shared/node/db/database.ts';
import { toPublished, type ProjectRecord } from '../shared/node/db/project-record.ts';
import { changeProject } from '../shared/node/db/projects-repository.ts';
import { createLimitedWarn } from '../shared/node/log-limit.ts';
import type { Log } from '../shared/node/log.ts';
import { listUsableProviders } from '../shared/node/models/usable-providers.ts';
import { runPeriodically } from '../shared/node/periodic.ts';
import type { StatusPublisher } from '../shared/node/status-stream.ts';
import { configFilesOf } from '../shared/opencode/config-files.ts';
import { giveConfig } from '../shared/opencode/give-config.ts';
import { OpenCodeError } from '../shared/opencode/opencode-error.ts';

const intervalMs = 500;
/** In one round. */
const maxProjects = 50;

interface ApplyConfigsDeps {
  db: Database;
  publisher: StatusPublisher;
  /** `null`: this installation has no ACCESS_SECRET. */
  accessKeys: Pick<AccessKeys, 'credential'> | null;
  /** Whether pods reach a model broker. */
  hasModels: boolean;
  log: Log;
}

/** Runs until `signal` aborts. Never rejects. */
export async function applyConfigs(deps: ApplyConfigsDeps, signal: AbortSignal): Promise<void> {
  const warn = createLimitedWarn(deps.log);
  const onError = (error: unknown): void =>
    warn(String(error), { error: String(error) }, 'configurations could not be applied; trying again');
  /** A pod that is slow keeps nobody else waiting. */
  const running = new Map<string, Promise<void>>();

  async function startAll(): Promise<void> {
    for (const project of await listConfigsToApply(deps.db, { limit: maxProjects })) {
      const { id } = project;
      if (running.has(id)) continue;
      const applying = applyOne(deps, project, signal).catch(onError);
      running.set(
        id,
        applying.finally(() => running.delete(id)),
      );
    }
  }

  await runPeriodically({ task: startAll, intervalMs, onError }, signal);
  await Promise.all(running.values());
}

/** One round, for tests. @throws the first error */
export async function applyAll(deps: ApplyConfigsDeps, signal: AbortSignal): Promise<void> {
  for (const project of await listConfigsToApply(deps.db, { limit: maxProjects })) {
    await applyOne(deps, project, signal);
  }
}

async function applyOne(deps: ApplyConfigsDeps, project: ProjectRecord, signal: AbortSignal): Promise<void> {
  const { id, configApplyVersion, configVersion: version, desiredState, accessKeyId: keyId } = project;
  const finishWith = (message: string | null) => finish(deps, { id, version: configApplyVersion, message });
  if (desiredState !== 'running') return await finishWith(null);
  const passwordOf = () => (keyId === null ? null : (deps.accessKeys?.credential('opencode', { id, keyId }) ?? null));
  const pod = readyPodOf(project, passwordOf);
  if (pod === 'state') return; // it starts, or will say why it cannot
  if (typeof pod === 'string') return await finishWith(notAppliedMessages[pod]);
  const saved = await findConfigVersion(deps.db, { projectId: id, version });
  if (!saved) return await finishWith(null);
  const providers = deps.hasModels ? await listUsableProviders(deps.db, project.ownerId) : [];
  try {
    await giveConfig({ address: pod.address, password: pod.credential, signal }, configFilesOf(saved, providers));
    await finishWith(`Applied version ${version} of the configuration.`);
  } catch (error) {
    if (!(error instanceof OpenCodeError)) throw error;
    deps.log.debug({ projectId: id, error: error.message }, 'a configuration was not applied');
    if (error.kind === 'unreachable') return; // it may be starting: the next round tries again
    await finishWith(refusedMessage(version, error));
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
  { id, version, message }: { id: string; version: number | null; message: string | null },
): Promise<void> {
  const result = await changeProject(db, { id }, ({ configApplyVersion }) =>
    configApplyVersion !== null && configApplyVersion === version
      ? {
          patch: { configApplyVersion: null },
          event: message === null ? null : { kind: 'updated', actorId: null, message },
        }
      : null,
  );
  if (result?.changed) await publisher.publish({ type: 'project', project: toPublished(result.record) });
}
