/**
 * Credentials for the Kubernetes API: reads token files and runs login programs with time limits, reloads the kubeconfig after a
 * refusal, and shares connections.
 */

import { readFile } from 'node:fs/promises';

import type { Cluster, KubeConfig, RequestContext, SecurityAuthentication } from '@kubernetes/client-node';
import { z } from 'zod';

import type { Clock } from '../../../shared/clock.ts';
import { loginProgramProvider, loginProgramSchema, tokenFileProvider } from './kubeconfig.ts';
import { KubernetesError } from './kubernetes-error.ts';
import { createLoginProgram, type LoginProgramCredentials } from './login-program.ts';

type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0];

/** A new pool now and then uses rotated certificates. In between, requests share connections. */
const poolLifetimeMs = 60_000;
/** A token file is read again this often, because the kubelet replaces it before its token expires. */
const tokenFileMs = 60_000;

interface RenewableCredentials extends SecurityAuthentication {
  /** Loads the kubeconfig again. Call it when the API has refused the credentials. */
  renew(): void;
  /** Why there were no credentials for the last request, as part of a sentence; `null` when there were. */
  problem(): string | null;
}

/**
 * The kubeconfig's own authentication, but with one connection pool for a while instead of one for each request.
 * @param deps.clock the clock of the cluster
 * @param deps.limitMs how long a token file or a login program may take
 */
export function createCredentials(deps: {
  kubeConfig: KubeConfig;
  loadKubeConfig: () => KubeConfig;
  clock: Clock;
  limitMs: number;
}): RenewableCredentials {
  const { clock } = deps;
  const tokenFiles = createTokenFiles(deps);
  const loginPrograms = createLoginPrograms({ ...deps, cluster: () => kubeConfig.getCurrentCluster() });
  let kubeConfig = withAuthenticators(deps.kubeConfig);
  let pool: { dispatcher: ReturnType<RequestContext['getDispatcher']>; certificate: string; until: number } | null =
    null;
  let problem: string | null = null;

  function withAuthenticators(loaded: KubeConfig): KubeConfig {
    loaded.addAuthenticator(tokenFiles);
    loaded.addAuthenticator(loginPrograms);
    return loaded;
  }

  return {
    getName: () => kubeConfig.getName(),
    async applySecurityAuthentication(context: RequestContext) {
      try {
        await kubeConfig.applySecurityAuthentication(context);
        problem = null;
      } catch (error) {
        problem = describe(error);
        throw unusableCredentials(error);
      }
      const certificate = loginPrograms.certificate();
      if (pool === null || clock.monotonic() >= pool.until || pool.certificate !== certificate) {
        pool = { dispatcher: context.getDispatcher(), certificate, until: clock.monotonic() + poolLifetimeMs };
      } else if (pool.dispatcher) {
        context.setDispatcher(pool.dispatcher);
      }
    },
    renew() {
      tokenFiles.forget();
      loginPrograms.refused();
      try {
        kubeConfig = withAuthenticators(deps.loadKubeConfig());
        pool = null;
      } catch {
        // The file is missing or half written at the moment. The next refusal loads it again.
      }
    },
    problem: () => problem,
  };
}

function createTokenFiles({ clock, limitMs }: { clock: Clock; limitMs: number }): Authenticator & { forget(): void } {
  let read: { path: string; token: string; until: number } | null = null;
  return {
    isAuthProvider: (user) => user.authProvider?.name === tokenFileProvider,
    async applyAuthentication(user, options) {
      const { path } = z.object({ path: z.string() }).parse(user.authProvider?.config);
      if (read?.path !== path || clock.monotonic() >= read.until) {
        const token = (await readFile(path, { encoding: 'utf8', signal: AbortSignal.timeout(limitMs) })).trim();
        if (token === '') throw new Error(`the token file ${path} is empty`);
        read = { path, token, until: clock.monotonic() + tokenFileMs };
      }
      setToken(options, read.token);
    },
    forget() {
      read = null;
    },
  };
}

interface LoginPrograms extends Authenticator {
  refused(): void;
  /** The client certificate that is used now; empty when there is none. */
  certificate(): string;
}

function createLoginPrograms(deps: { cluster: () => Cluster | null; clock: Clock; limitMs: number }): LoginPrograms {
  let current: { text: string; program: LoginProgramCredentials } | null = null;
  let certificate = '';

  /** The same program keeps its credentials when the kubeconfig is loaded again. */
  function programOf(config: unknown): LoginProgramCredentials {
    const text = JSON.stringify(config);
    if (current?.text !== text) {
      const program = createLoginProgram({
        ...deps,
        program: loginProgramSchema.parse(config),
        cluster: deps.cluster(),
      });
      current = { text, program };
    }
    return current.program;
  }

  return {
    isAuthProvider: (user) => user.authProvider?.name === loginProgramProvider,
    async applyAuthentication(user, options) {
      const credentials = await programOf(user.authProvider?.config).get();
      certificate = credentials.certificate?.cert ?? '';
      if (credentials.certificate) Object.assign(options, credentials.certificate);
      if (credentials.token !== null) setToken(options, credentials.token);
    },
    refused: () => current?.program.refused(),
    certificate: () => certificate,
  };
}

/** The library has made the headers an object before it asks an authenticator. */
function setToken({ headers }: { headers?: unknown }, token: string): void {
  Object.assign(headers as object, { Authorization: `Bearer ${token}` });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'for an unknown reason';
  const { code, path } = error as { code?: unknown; path?: unknown };
  return code === 'ENOENT' && typeof path === 'string' ? `the file ${path} does not exist` : error.message;
}

/** A token file is missing, or a login program failed. No request was sent, and the cluster may be healthy. */
function unusableCredentials(cause: unknown): KubernetesError {
  return new KubernetesError(
    'transient',
    'unauthorized',
    'The worker cannot read its credentials for the cluster. An administrator must provide them.',
    { status: 401, cause },
  );
}
