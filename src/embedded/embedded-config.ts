/** The configuration of `npm start`: which services are embedded, where their data is, and the generated secrets. */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { z } from 'zod';

import { readBrokerConfig, brokerSchema } from '../gateway/broker/broker-config.ts';
import { readGatewayConfig } from '../gateway/config.ts';
import { readServerConfig, serverVariables } from '../server/config.ts';
import { ConfigurationError, readEnvironment } from '../shared/node/environment.ts';
import { readWorkerConfig, workerVariables } from '../worker/config.ts';
import { kubeConfigFiles } from '../worker/pods/kube/kubeconfig-files.ts';
import { developmentUsers } from './issuer/development-users.ts';
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
  EMBEDDED_WHEN_FULL: z
    .enum(['wait', 'stop-unused'], { error: 'must be wait or stop-unused.' })
    .default('wait')
    .describe(
      'What happens when a project is started and the memory of this machine is full: `wait` (it waits, and says so) or `stop-unused` (the running project that was not used for the longest time is stopped, of whatever person; never one whose agent works, which has a run that has not ended, or an open terminal). For pods that are processes.',
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
  /** Whether unused projects are stopped when a start needs their memory. */
  stopsUnused: boolean;
  /** Variables for the OpenCode of every project, such as `OPENCODE_DISABLE_MODELS_FETCH`. */
  openCodeEnv: Record<string, string>;
}

/** Used for what embedded services provide after their start, so that everything else can be checked before. */
const placeholders = {
  DATABASE_URL: 'postgresql://embedded',
  REDIS_URL: 'redis://embedded',
  OIDC_ISSUER: 'http://embedded',
  SESSION_SECRET: 'x'.repeat(32),
  ACCESS_SECRET: 'x'.repeat(32),
  KEY_ENCRYPTION_SECRET: 'x'.repeat(32),
};

export const embeddedClientId = 'opencode-project-manager';

/**
 * Checks the whole environment before anything starts.
 *
 * @throws ConfigurationError that names every wrong variable of `npm start`, server and worker
 */
export function readEmbeddedConfig(env: Environment): EmbeddedConfig {
  const read = readEnvironment(embeddedVariables, withoutOwnKubeconfig(env));
  const embed = {
    postgres: read.DATABASE_URL === undefined,
    redis: read.REDIS_URL === undefined,
    kubernetes: read.KUBECONFIG === undefined,
    issuer: read.OIDC_ISSUER === undefined,
  };
  const set = Object.fromEntries(
    Object.entries(withoutOwnKubeconfig(env)).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const complete: Environment = {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    // The first of the development users is an administrator.
    ...(embed.issuer ? { OIDC_CLIENT_ID: embeddedClientId, ADMIN_EMAILS: developmentUsers[0]?.email } : {}),
    ...localOrigins(set),
    ...set,
  };
  const problems: string[] = [];
  const hasGateway = complete['WORKSPACE_DOMAIN'] !== undefined;
  const checks = [readServerConfig, readWorkerConfig, readBrokerConfig, ...(hasGateway ? [readGatewayConfig] : [])];
  for (const check of checks) {
    try {
      check({ ...placeholders, ...complete });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (read.KUBECONFIG !== undefined && kubeConfigFiles(read.KUBECONFIG).length === 0) {
    problems.push('KUBECONFIG: names a file that does not exist.');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return {
    dataDir: resolve(read.DATA_DIR),
    embed,
    env: complete,
    runtime: read.EMBEDDED_RUNTIME,
    stopsUnused: read.EMBEDDED_WHEN_FULL === 'stop-unused',
    openCodeEnv: openCodeVariables(complete),
  };
}

/**
 * `npm start` prints a kubeconfig for kubectl. When somebody has set it in the same shell, it leads to the cluster that is about to
 * start, so the embedded Kubernetes is meant.
 */
function withoutOwnKubeconfig(env: Environment): Environment {
  const dataDir = resolve(env['DATA_DIR']?.trim() || '.data');
  const { KUBECONFIG, ...others } = env;
  return KUBECONFIG && resolve(KUBECONFIG.trim()) === join(dataDir, 'kubeconfig') ? others : env;
}

/** The variables that begin with OPENCODE_ and are not our own. The password of a project is never one of them. */
function openCodeVariables(env: Environment): Record<string, string> {
  const shapes = [workerVariables.shape, serverVariables.shape, brokerSchema.shape];
  const own = new Set(shapes.flatMap((shape) => Object.keys(shape)));
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      /^OPENCODE_(?!SERVER_)/.test(name) && !own.has(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

/**
 * Browsers resolve every name below localhost to this machine, so projects need no configuration there. At another address
 * an administrator chooses the domain of the projects, and nobody can open a project before.
 */
function localOrigins({ PORT = '3080', PUBLIC_URL = `http://localhost:${Number(PORT)}` }: Environment): Environment {
  const url = URL.parse(PUBLIC_URL); // whatever is wrong with it is reported below
  if (url === null) return {};
  const isLocal = url.hostname === 'localhost' || url.hostname === '127.0.0.1';
  return { PUBLIC_URL, ...(isLocal ? { WORKSPACE_DOMAIN: `localhost:${Number(PORT)}` } : {}) };
}

const secretSchema = z.string().min(32);
const secretsSchema = z.object({
  sessionSecret: secretSchema,
  clientSecret: secretSchema,
  // Version 0.2 had none of these. The file gets them when it is read.
  accessSecret: secretSchema.optional(),
  keyEncryptionSecret: secretSchema.optional(),
});
export type EmbeddedSecrets = Record<keyof z.infer<typeof secretsSchema>, string>;

const createSecret = () => randomBytes(32).toString('base64url');

/** The secrets of the embedded mode. The first start creates them in the data folder. Only the owner may read the file. */
export function loadSecrets(dataDir: string): EmbeddedSecrets {
  const path = join(dataDir, 'secrets.json');
  const stored = existsSync(path) ? secretsSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : null;
  const created = {
    sessionSecret: createSecret(),
    clientSecret: createSecret(),
    accessSecret: createSecret(),
    keyEncryptionSecret: createSecret(),
  };
  const secrets = {
    ...created,
    ...stored,
    accessSecret: stored?.accessSecret ?? created.accessSecret,
    keyEncryptionSecret: stored?.keyEncryptionSecret ?? created.keyEncryptionSecret,
  };
  if (stored?.accessSecret !== undefined && stored.keyEncryptionSecret !== undefined) return secrets;
  mkdirSync(dataDir, { recursive: true });
  // Renaming replaces the file at once: a crash in between loses no secret.
  writeFileSync(`${path}.new`, JSON.stringify(secrets), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return secrets;
}
