/**
 * The way to the Kubernetes API: the client library with a time limit on every request, one connection pool instead of
 * a TLS handshake a call, and errors classified at the edge.
 */

import {
  CoreV1Api,
  createConfiguration,
  HttpMethod,
  KubeConfig,
  RequestContext,
  type ResponseContext,
  ServerConfiguration,
  type Middleware,
  type SecurityAuthentication,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1Secret,
} from '@kubernetes/client-node';
import { fetch } from 'undici';

import { SpanKind, traced } from '../../../shared/node/tracing.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from './kubernetes-claim.ts';
import { fromResponse, KubernetesError, toKubernetesError } from './kubernetes-error.ts';
import { kubernetesPodSchema, type KubernetesPod } from './kubernetes-pod.ts';
import { createRequestGate } from './request-gate.ts';

const defaultRequestTimeoutMs = 10_000;
/** A cluster that needs longer for its version is not back yet. */
const probeTimeoutMs = 3_000;
/** A new pool now and then picks up rotated certificates; in between, calls share connections. */
const poolLifetimeMs = 60_000;

export type WatchedResource = 'pods' | 'persistentvolumeclaims' | 'events';

export interface KubernetesClient {
  /** `null` when there is none of this name. */
  readPod(name: string): Promise<KubernetesPod | null>;
  readClaim(name: string): Promise<KubernetesClaim | null>;
  createPod(manifest: V1Pod): Promise<KubernetesPod>;
  createClaim(manifest: V1PersistentVolumeClaim): Promise<KubernetesClaim>;
  /** Nothing of it is ever read: one that is there already is a success. */
  createSecret(manifest: V1Secret): Promise<void>;
  /** Deletes exactly this pod (by uid). One that is gone already is a success; another of its name is a conflict. */
  deletePod(pod: { name: string; uid: string }): Promise<void>;
  deleteClaim(claim: { name: string; uid: string }): Promise<void>;
  /**
   * A GET whose body is read as it comes, for lists and watches of the namespace's `resource`. It must be answered within
   * the time of every request; how long the body may take is the caller's business.
   */
  open(resource: WatchedResource, query: Record<string, string>, signal: AbortSignal): Promise<Response>;
  /** Why nothing would be sent now, with the time to wait; `null` when a request may pass. */
  closed(): KubernetesError | null;
}

/** The part of undici's Response that readers of {@link KubernetesClient.open} need. */
interface Response {
  body: AsyncIterable<Uint8Array>;
}

/** Loads the kubeconfig at `path`, or the in-cluster configuration when there is none. */
export function loadKubeConfig(path: string | null): KubeConfig {
  const kubeConfig = new KubeConfig();
  if (path === null) kubeConfig.loadFromCluster();
  else kubeConfig.loadFromFile(path);
  return kubeConfig;
}

export function createKubernetesClient(options: {
  /** Called again when the credentials are refused: whoever renews them replaces a file. */
  loadKubeConfig: () => KubeConfig;
  namespace: string;
  /** Milliseconds from any origin. */
  now: () => number;
  random: () => number;
  requestTimeoutMs?: number;
}): KubernetesClient {
  const { loadKubeConfig: load, namespace, now, requestTimeoutMs = defaultRequestTimeoutMs } = options;
  const kubeConfig = load();
  const server = kubeConfig.getCurrentCluster()?.server;
  if (!server) throw new Error('The kubeconfig names no cluster for its current context. Correct it.');
  const auth = pooled({ kubeConfig, load, now });
  const api = new CoreV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(server, {}),
      authMethods: { default: auth },
      promiseMiddleware: [timeLimit(requestTimeoutMs)],
    }),
  );
  const gate = createRequestGate({
    now,
    random: options.random,
    async probe() {
      const context = await contextFor(new URL('/version', server));
      const limit = AbortSignal.timeout(Math.min(requestTimeoutMs, probeTimeoutMs));
      const response = await send(context, limit);
      await response.body?.cancel();
    },
  });

  async function contextFor(url: URL): Promise<RequestContext> {
    const context = new RequestContext(url.toString(), HttpMethod.GET);
    await auth.applySecurityAuthentication(context);
    return context;
  }

  /** Every request passes here: through the gate, its errors classified. `what` is its name in traces. */
  async function classified<T>(what: string, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const settle = gate.enter();
    try {
      const result = await traced(what, { kind: SpanKind.CLIENT, onlyWithin: true }, call);
      settle('answered');
      return result;
    } catch (error) {
      const problem = toKubernetesError(error);
      if (problem.status === 401) auth.renew();
      settle(signal?.aborted ? 'cut-off' : problem);
      throw problem;
    }
  }

  async function orNull<T>(what: string, call: () => Promise<T>): Promise<T | null> {
    try {
      return await classified(what, call);
    } catch (error) {
      if (error instanceof KubernetesError && error.kind === 'not-found') return null;
      throw error;
    }
  }

  return {
    closed: () => gate.closed(),
    readPod: (name) =>
      orNull('GET pod', () => api.readNamespacedPod({ name, namespace }).then((pod) => kubernetesPodSchema.parse(pod))),
    readClaim: (name) =>
      orNull('GET claim', () =>
        api
          .readNamespacedPersistentVolumeClaim({ name, namespace })
          .then((claim) => kubernetesClaimSchema.parse(claim)),
      ),
    createPod: (body) =>
      classified('POST pod', () =>
        api.createNamespacedPod({ namespace, body }).then((pod) => kubernetesPodSchema.parse(pod)),
      ),
    createClaim: (body) =>
      classified('POST claim', () =>
        api
          .createNamespacedPersistentVolumeClaim({ namespace, body })
          .then((claim) => kubernetesClaimSchema.parse(claim)),
      ),
    createSecret: async (body) => {
      try {
        await classified('POST secret', () => api.createNamespacedSecret({ namespace, body }));
      } catch (error) {
        if (!(error instanceof KubernetesError) || error.kind !== 'already-exists') throw error;
      }
    },
    deletePod: async ({ name, uid }) => {
      await orNull('DELETE pod', () => api.deleteNamespacedPod({ name, namespace, body: { preconditions: { uid } } }));
    },
    deleteClaim: async ({ name, uid }) => {
      await orNull('DELETE claim', () =>
        api.deleteNamespacedPersistentVolumeClaim({ name, namespace, body: { preconditions: { uid } } }),
      );
    },
    open: (resource, query, signal) =>
      classified(
        `LIST ${resource}`,
        async () => {
          const url = new URL(`${server}/api/v1/namespaces/${namespace}/${resource}`);
          for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
          const context = await contextFor(url);
          const unanswered = new AbortController();
          const timer = setTimeout(() => unanswered.abort(new Error('no answer in time')), requestTimeoutMs);
          try {
            const response = await send(context, AbortSignal.any([signal, unanswered.signal]));
            if (response.status === 200 && response.body) return { body: response.body };
            const body = await response.text().catch(() => '');
            throw fromResponse({ status: response.status, body, retryAfter: response.headers.get('retry-after') });
          } finally {
            clearTimeout(timer);
          }
        },
        signal,
      ),
  };
}

/** The kubeconfig's own authentication, but with one connection pool for a while instead of a new one for each call. */
function pooled(options: { kubeConfig: KubeConfig; load: () => KubeConfig; now: () => number }) {
  const { load, now } = options;
  let { kubeConfig } = options;
  let pool: { dispatcher: ReturnType<RequestContext['getDispatcher']>; until: number } | null = null;
  return {
    getName: () => kubeConfig.getName(),
    async applySecurityAuthentication(context: RequestContext) {
      try {
        await kubeConfig.applySecurityAuthentication(context);
      } catch (error) {
        throw unusableCredentials(error);
      }
      if (pool === null || now() >= pool.until) {
        pool = { dispatcher: context.getDispatcher(), until: now() + poolLifetimeMs };
      } else if (pool.dispatcher) {
        context.setDispatcher(pool.dispatcher);
      }
    },
    /** The library keeps a token for a minute after it has read the file: too long once it is refused. */
    renew() {
      try {
        kubeConfig = load();
        pool = null;
      } catch {
        // The file is missing or half written just now: the next refusal asks for it again.
      }
    },
  } satisfies SecurityAuthentication & { renew(): void };
}

function send(context: RequestContext, signal: AbortSignal) {
  const dispatcher = context.getDispatcher();
  const headers = { ...context.getHeaders(), accept: 'application/json' };
  return fetch(context.getUrl(), { headers, signal, ...(dispatcher ? { dispatcher } : {}) });
}

/** A token file that is not there yet, or a login program that fails: nothing was sent, and nothing is wrong with the cluster. */
function unusableCredentials(cause: unknown): KubernetesError {
  return new KubernetesError(
    'transient',
    'unauthorized',
    'The worker cannot read its credentials for the cluster. An administrator must put them in place.',
    { status: 401, cause },
  );
}

const timeLimit = (timeoutMs: number): Middleware => ({
  pre: (context: RequestContext) => {
    context.setSignal(AbortSignal.timeout(timeoutMs));
    return Promise.resolve(context);
  },
  post: (context: ResponseContext) => Promise.resolve(context),
});
