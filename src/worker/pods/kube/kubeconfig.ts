/**
 * Loads the kubeconfig as kubectl does: from one file or several, also with `tokenFile`, which the client library does not know.
 * Users whose credentials change are marked for `kubernetes-credentials.ts`, which gets them with time limits.
 */

import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

import { KubeConfig, loadYaml, type User } from '@kubernetes/client-node';
import { z } from 'zod';

import { kubeConfigFiles } from './kubeconfig-files.ts';

/** The names by which an authenticator recognises its users. */
export const tokenFileProvider = 'token-file-of-worker';
export const loginProgramProvider = 'login-program-of-worker';

/** `exec` of a user: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
export const loginProgramSchema = z.object({
  apiVersion: z.string().default('client.authentication.k8s.io/v1'),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
});
export type LoginProgram = z.infer<typeof loginProgramSchema>;

const tokenFilesSchema = z.object({
  users: z
    .array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() }))
    .nullish(),
});

/**
 * @param path one or several files, separated as in `PATH`; `null`: the service account of the pod
 * @throws Error when no file exists, or when one is no kubeconfig
 */
export function loadKubeConfig(path: string | null): KubeConfig {
  const kubeConfig = new KubeConfig();
  if (path === null) kubeConfig.loadFromCluster();
  else kubeConfig.loadFromOptions(mergeFiles(path));
  kubeConfig.users = kubeConfig.users.map(markUser);
  return kubeConfig;
}

/** The first file that names a cluster, a user, a context or the current context decides about it. */
function mergeFiles(path: string) {
  const files = kubeConfigFiles(path);
  if (files.length === 0) throw new Error(`KUBECONFIG names no file that exists: ${path}. Correct it.`);
  const configs = files.map(loadFile);
  return {
    clusters: firstOfEachName(configs.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(configs.flatMap(({ users }) => users)),
    contexts: firstOfEachName(configs.flatMap(({ contexts }) => contexts)),
    currentContext: configs.map(({ currentContext }) => currentContext).find(Boolean) ?? '',
  };
}

function firstOfEachName<T extends { name: string }>(items: T[]): T[] {
  return [...new Map(items.toReversed().map((item) => [item.name, item])).values()].toReversed();
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  const folder = resolve(dirname(file));
  let tokenFiles: z.infer<typeof tokenFilesSchema>;
  try {
    config.loadFromFile(file);
    tokenFiles = tokenFilesSchema.parse(loadYaml(readFileSync(file, 'utf8')));
  } catch {
    // The message of the parser may quote a line with a password.
    throw new Error(`${file} is no kubeconfig that can be read. Correct it, or set KUBECONFIG to another file.`);
  }
  const absolute = (path: string) => (isAbsolute(path) ? path : join(folder, path));
  config.users = config.users.map((user): User => {
    const tokenFile = tokenFiles.users?.find(({ name }) => name === user.name)?.user?.tokenFile;
    if (tokenFile !== undefined) return withProvider(user, tokenFileProvider, { path: absolute(tokenFile) });
    // A command with a slash is relative to the file; any other is looked for in `PATH`.
    const exec = loginProgramSchema.safeParse(user.exec);
    if (!exec.success || !exec.data.command.includes('/')) return user;
    return { ...user, exec: { ...exec.data, command: absolute(exec.data.command) } };
  });
  return config;
}

function markUser(user: User): User {
  const { authProvider } = user;
  const config: unknown = authProvider?.config;
  const tokenFile = z.object({ tokenFile: z.string() }).safeParse(config);
  if (tokenFile.success) return withProvider(user, tokenFileProvider, { path: tokenFile.data.tokenFile });
  const exec: unknown = user.exec ?? (authProvider?.name === 'exec' ? config : null);
  if (exec === null || exec === undefined) return user;
  return withProvider(user, loginProgramProvider, loginProgramSchema.parse(exec));
}

function withProvider(user: User, name: string, config: object): User {
  const { token: _token, exec: _exec, ...others } = user;
  return { ...others, authProvider: { name, config } };
}
