/** The configuration of `npm start`: which services are embedded, where their data is, and the generated secrets. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { z } from 'zod';

import { readServerConfig, serverVariables } from '../server/config.ts';
import { ConfigurationError, readEnvironment } from '../shared/node/environment.ts';
import { readWorkerConfig, workerVariables } from '../worker/config.ts';
import type { RuntimeKind } from './kubernetes/kubelet/runtime/process/detect-runtime.ts';

type Environment = Record<string, string | undefined>;

/** The variables of `npm start` besides those of server and worker. */
export const embeddedVariables = z.object({
  DATA_DIR: z
    .string()
    .default('.data')
    .describe('The folder with the data of the embedded services. The kubeconfig is `DATA_DIR/kubeconfig`.'),
  EMBEDDED_RUNTIME: z
    .enum(['sandbox', 'process', 'simulated'], { error: 'must be sandbox, process or simulated.' })
    .optional()
    .describe(
      'How the embedded Kubernetes runs pods: `sandbox` (processes in sandboxes of bubblewrap), `process` (plain processes, whose agents can read your files) or `simulated`. When it is not set: `sandbox` where that works, else `simulated`.',
    ),
  DATABASE_URL: z.string().optional(),
  REDIS_URL: z.string().optional(),
  KUBECONFIG: z.string().optional(),
  OIDC_ISSUER: z.string().optional(),
});

export interface EmbeddedConfig {
  /** An absolute path. */
  dataDir: string;
  /** A service is embedded when no variable names a real one. */
  embed: { postgres: boolean; redis: boolean; kubernetes: boolean; issuer: boolean };
  /** The environment with all defaults that do not depend on a started service. */
  env: Environment;
  /** How pods are to run; undefined means the best that works. */
  runtime: RuntimeKind | undefined;
  /** Variables for the OpenCode of every project, such as `OPENCODE_DISABLE_MODELS_FETCH`. */
  openCodeEnv: Record<string, string>;
}

/** Used for what embedded services provide after their start, so that everything else can be checked before. */
const placeholders = {
  DATABASE_URL: 'postgresql://embedded',
  REDIS_URL: 'redis://embedded',
  OIDC_ISSUER: 'http://embedded',
  SESSION_SECRET: 'x'.repeat(32),
};

export const embeddedClientId = 'opencode-project-manager';

/**
 * Checks the whole environment before anything starts.
 *
 * @throws ConfigurationError that names every wrong variable of `npm start`, server and worker
 */
export function readEmbeddedConfig(env: Environment): EmbeddedConfig {
  const read = readEnvironment(embeddedVariables, env);
  const embed = {
    postgres: read.DATABASE_URL === undefined,
    redis: read.REDIS_URL === undefined,
    kubernetes: read.KUBECONFIG === undefined,
    issuer: read.OIDC_ISSUER === undefined,
  };
  const complete: Environment = {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    ...(embed.issuer ? { OIDC_CLIENT_ID: embeddedClientId } : {}),
    ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== '')),
  };
  const problems: string[] = [];
  for (const check of [readServerConfig, readWorkerConfig]) {
    try {
      check({ ...placeholders, ...complete });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (read.KUBECONFIG !== undefined && !existsSync(read.KUBECONFIG)) {
    problems.push('KUBECONFIG: names a file that does not exist.');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return {
    dataDir: resolve(read.DATA_DIR),
    embed,
    env: complete,
    runtime: read.EMBEDDED_RUNTIME,
    openCodeEnv: openCodeVariables(complete),
  };
}

/** The variables that begin with OPENCODE_ and are not our own. The password of a project is never one of them. */
function openCodeVariables(env: Environment): Record<string, string> {
  const own = new Set([...Object.keys(workerVariables.shape), ...Object.keys(serverVariables.shape)]);
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      /^OPENCODE_(?!SERVER_)/.test(name) && !own.has(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

const secretsSchema = z.object({ sessionSecret: z.string().min(32), clientSecret: z.string().min(32) });
export type EmbeddedSecrets = z.infer<typeof secretsSchema>;

const createSecret = () => randomBytes(32).toString('base64url');

/** The secrets of the embedded mode. The first start creates them in the data folder. Only the owner may read the file. */
export function loadSecrets(dataDir: string): EmbeddedSecrets {
  const path = join(dataDir, 'secrets.json');
  if (existsSync(path)) return secretsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const secrets = { sessionSecret: createSecret(), clientSecret: createSecret() };
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 });
  return secrets;
}
