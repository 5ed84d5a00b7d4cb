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
} from '@kubernetes/client-node';
import { fetch } from 'undici';

import { kubernetesPodSchema, type KubernetesPod } from '../../shared/contract/kubernetes-pod.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from './kubernetes-claim.ts';
import { fromResponse, KubernetesError, toKubernetesError } from './kubernetes-error.ts';

const requestTimeoutMs = 10_000;
/** A new pool now and then picks up rotated certificates; in between, calls share connections. */
const poolLifetimeMs = 60_000;

export interface KubernetesClient {
  /** `null` when there is none of this name. */
  readPod(name: string): Promise<KubernetesPod | null>;
  readClaim(name: string): Promise<KubernetesClaim | null>;
  createPod(manifest: V1Pod): Promise<KubernetesPod>;
  createClaim(manifest: V1PersistentVolumeClaim): Promise<KubernetesClaim>;
  /** Deletes exactly this pod (by uid). One that is gone already is a success; another of its name is a conflict. */
  deletePod(pod: { name: string; uid: string }): Promise<void>;
  deleteClaim(claim: { name: string; uid: string }): Promise<void>;
  /** A GET whose body is read as it comes, for lists and watches of the namespace's `resource`. */
  open(
    resource: 'pods' | 'persistentvolumeclaims',
    query: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Response>;
}

/** The part of undici's Response that readers of {@link KubernetesClient.open} need. */
export interface Response {
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
  kubeConfig: KubeConfig;
  namespace: string;
  /** Milliseconds from any origin. */
  now: () => number;
}): KubernetesClient {
  const { kubeConfig, namespace, now } = options;
  const server = kubeConfig.getCurrentCluster()?.server;
  if (!server) throw new Error('The kubeconfig names no cluster for its current context. Correct it.');
  const auth = pooled(kubeConfig, now);
  const api = new CoreV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(server, {}),
      authMethods: { default: auth },
      promiseMiddleware: [timeLimit],
    }),
  );

  return {
    readPod: (name) => orNull(api.readNamespacedPod({ name, namespace }).then((pod) => kubernetesPodSchema.parse(pod))),
    readClaim: (name) =>
      orNull(
        api
          .readNamespacedPersistentVolumeClaim({ name, namespace })
          .then((claim) => kubernetesClaimSchema.parse(claim)),
      ),
    createPod: (body) =>
      classified(api.createNamespacedPod({ namespace, body }).then((pod) => kubernetesPodSchema.parse(pod))),
    createClaim: (body) =>
      classified(
        api
          .createNamespacedPersistentVolumeClaim({ namespace, body })
          .then((claim) => kubernetesClaimSchema.parse(claim)),
      ),
    deletePod: async ({ name, uid }) => {
      await orNull(api.deleteNamespacedPod({ name, namespace, body: { preconditions: { uid } } }));
    },
    deleteClaim: async ({ name, uid }) => {
      await orNull(api.deleteNamespacedPersistentVolumeClaim({ name, namespace, body: { preconditions: { uid } } }));
    },
    async open(resource, query, signal) {
      const url = new URL(`${server}/api/v1/namespaces/${namespace}/${resource}`);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      const context = new RequestContext(url.toString(), HttpMethod.GET);
      await auth.applySecurityAuthentication(context);
      const dispatcher = context.getDispatcher();
      const response = await fetch(url, {
        headers: { ...context.getHeaders(), accept: 'application/json' },
        signal,
        ...(dispatcher ? { dispatcher } : {}),
      }).catch((error: unknown) => {
        throw toKubernetesError(error);
      });
      if (response.status !== 200 || !response.body) {
        const body = await response.text().catch(() => '');
        throw fromResponse({ status: response.status, body, retryAfter: response.headers.get('retry-after') });
      }
      return { body: response.body };
    },
  };
}

/** The kubeconfig's own authentication, but with one connection pool for a while instead of a new one for each call. */
function pooled(kubeConfig: KubeConfig, now: () => number): SecurityAuthentication {
  let pool: { dispatcher: ReturnType<RequestContext['getDispatcher']>; until: number } | null = null;
  return {
    getName: () => kubeConfig.getName(),
    async applySecurityAuthentication(context) {
      await kubeConfig.applySecurityAuthentication(context);
      if (pool === null || now() >= pool.until) {
        pool = { dispatcher: context.getDispatcher(), until: now() + poolLifetimeMs };
      } else if (pool.dispatcher) {
        context.setDispatcher(pool.dispatcher);
      }
    },
  };
}

const timeLimit: Middleware = {
  pre: (context: RequestContext) => {
    context.setSignal(AbortSignal.timeout(requestTimeoutMs));
    return Promise.resolve(context);
  },
  post: (context: ResponseContext) => Promise.resolve(context),
};

async function classified<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw toKubernetesError(error);
  }
}

async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await classified(call);
  } catch (error) {
    if (error instanceof KubernetesError && error.kind === 'not-found') return null;
    throw error;
  }
}
