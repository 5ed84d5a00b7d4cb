/** Credentials for the Kubernetes API: loads the kubeconfig, reloads it after a refusal, and shares connections. */

import { KubeConfig, type RequestContext, type SecurityAuthentication } from '@kubernetes/client-node';

import type { Clock } from '../../../shared/clock.ts';
import { KubernetesError } from './kubernetes-error.ts';

/** A new pool now and then uses rotated certificates. In between, requests share connections. */
const poolLifetimeMs = 60_000;

/** Loads the kubeconfig at `path`, or the in-cluster configuration when `path` is `null`. */
export function loadKubeConfig(path: string | null): KubeConfig {
  const kubeConfig = new KubeConfig();
  if (path === null) kubeConfig.loadFromCluster();
  else kubeConfig.loadFromFile(path);
  return kubeConfig;
}

interface RenewableCredentials extends SecurityAuthentication {
  /** Loads the kubeconfig again. Call it when the API has refused the credentials. */
  renew(): void;
}

/** The kubeconfig's own authentication, but with one connection pool for a while instead of one for each request. */
export function createCredentials(deps: {
  kubeConfig: KubeConfig;
  loadKubeConfig: () => KubeConfig;
  clock: Clock;
}): RenewableCredentials {
  const { clock } = deps;
  let { kubeConfig } = deps;
  let pool: { dispatcher: ReturnType<RequestContext['getDispatcher']>; until: number } | null = null;
  return {
    getName: () => kubeConfig.getName(),
    async applySecurityAuthentication(context: RequestContext) {
      try {
        await kubeConfig.applySecurityAuthentication(context);
      } catch (error) {
        throw unusableCredentials(error);
      }
      if (pool === null || clock.monotonic() >= pool.until) {
        pool = { dispatcher: context.getDispatcher(), until: clock.monotonic() + poolLifetimeMs };
      } else if (pool.dispatcher) {
        context.setDispatcher(pool.dispatcher);
      }
    },
    /** The library caches a token for a minute after it has read the file, which is too long for a refused token. */
    renew() {
      try {
        kubeConfig = deps.loadKubeConfig();
        pool = null;
      } catch {
        // The file is missing or half written at the moment. The next refusal loads it again.
      }
    },
  };
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
