/** Asks the pod of a project which version of the configuration it uses. The answer of a pod is hostile: it is parsed and cut. */

import { z } from 'zod';

import { cleanText } from '../../shared/clean-texts.ts';
import type { ConfigInUse } from '../../shared/contract/config.ts';
import { AppError } from '../../shared/contract/errors.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import { readyPodOf, sidecarCredentialOf } from '../../shared/node/access/ready-pod.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { configPath } from '../../shared/opencode/config-files.ts';
import { podPorts, type PodRequests } from '../files/pod-requests.ts';

export interface ConfigReader {
  /** Never fails because of the pod. `busySessions`: how many sessions of OpenCode are not idle */
  read(project: ProjectRecord): Promise<{ config: ConfigInUse; busySessions: number | null }>;
}

const answerSchema = z.object({
  version: z.int().nonnegative().max(1e9),
  isRead: z.boolean(),
  isChanged: z.boolean(),
  problem: z
    .string()
    .transform((text) => cleanText(text, 500))
    .nullable(),
});
const activitySchema = z.object({ busySessions: z.int().nonnegative().max(1e6).nullable() });

const messages = {
  simulated: 'The pods of this installation are simulated, so nothing reads the configuration.',
  noSecret: 'The pod cannot be asked, because ACCESS_SECRET is not set. An administrator must set it.',
  old: 'The pod was created before projects had a configuration, or with credentials that are no longer valid. Restart the project.',
} as const;

const unknown = (message: string) => ({ config: { state: 'unknown' as const, message }, busySessions: null });

/** @param deps.keys `null` without ACCESS_SECRET */
export function createConfigReader({
  requests,
  keys,
}: {
  requests: Pick<PodRequests, 'json'>;
  keys: AccessKeys | null;
}): ConfigReader {
  return {
    async read(project) {
      if (project.desiredState !== 'running') return { config: { state: 'not-running' }, busySessions: null };
      if (keys === null) return unknown(messages.noSecret);
      const { id, accessKeyId: keyId } = project;
      const pod = readyPodOf(project, (of) => sidecarCredentialOf(keys, of));
      if (pod === 'simulated') return unknown(messages.simulated);
      if (pod === 'old-credentials') return unknown(messages.old);
      if (pod === 'state') return { config: { state: 'not-running' }, busySessions: null };
      const password = keyId === null ? null : keys.credential('opencode', { id, keyId });
      const target = { address: pod.address, port: podPorts.sessionProxy };
      const activity = requests
        .json({ ...target, credential: pod.credential }, { method: 'GET', path: '/activity', schema: activitySchema })
        .catch(() => ({ busySessions: null })); // it is not essential
      try {
        const ask = { method: 'GET', path: configPath, schema: answerSchema } as const;
        const answer = await requests.json({ ...target, credential: password ?? '' }, ask);
        return { config: { state: 'running', ...answer }, ...(await activity) };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        // A session proxy from before does not take the password.
        return { ...unknown(error.code === 'ILLEGAL_STATE' ? messages.old : error.message), ...(await activity) };
      }
    },
  };
}
