/**
 * The client for the Kubernetes API: the official library with a time limit for every request, shared connections, and
 * errors classified as {@link KubernetesError}.
 */

import {
  CoreV1Api,
  createConfiguration,
  HttpMethod,
  RequestContext,
  type ResponseContext,
  ServerConfiguration,
  type KubeConfig,
  type Middleware,
  type V1PersistentVolumeClaim,
  type V1Pod,
  type V1Secret,
} from '@kubernetes/client-node';
import { fetch } from 'undici';

import type { Clock } from '../../../shared/clock.ts';
import { SpanKind, traced } from '../../../shared/node/tracing.ts';
import { createClusterClock } from './cluster-clock.ts';
import { kubernetesClaimSchema, type KubernetesClaim } from './kubernetes-claim.ts';
import { createCredentials } from './kubernetes-credentials.ts';
import { fromResponse, KubernetesError, toKubernetesError } from './kubernetes-error.ts';
import { kubernetesPodSchema, type KubernetesPod } from './kubernetes-pod.ts';
import { createRequestGate } from './request-gate.ts';
import { parseObject } from './unreadable-object.ts';

const defaultRequestTimeoutMs = 10_000;
/** A cluster that needs longer to return its version does not count as available. */
const probeTimeoutMs = 3_000;

export type WatchedResource = 'pods' | 'persistentvolumeclaims' | 'events';

/** Every method throws {@link KubernetesError}. */
export interface KubernetesClient {
  /** `null` when no pod has this name. */
  readPod(name: string): Promise<KubernetesPod | null>;
  /** `null` when no claim has this name. */
  readClaim(name: string): Promise<KubernetesClaim | null>;
  createPod(manifest: V1Pod): Promise<KubernetesPod>;
  createClaim(manifest: V1PersistentVolumeClaim): Promise<KubernetesClaim>;
  /** Succeeds when the secret already exists. The worker never reads secrets. */
  createSecret(manifest: V1Secret): Promise<void>;
  /** Deletes exactly the pod with this uid. A missing pod is a success; another pod with the name is a conflict. */
  deletePod(pod: { name: string; uid: string }): Promise<void>;
  /** Deletes exactly the claim with this uid, with the same rules as {@link deletePod}. */
  deleteClaim(claim: { name: string; uid: string }): Promise<void>;
  /**
   * Lists or watches a resource of the namespace with a GET whose body is read as it arrives. The answer must begin within
   * the time limit of every request. The caller limits how long the body may take.
   */
  open(resource: WatchedResource, query: Record<string, string>, signal: AbortSignal): Promise<StreamedResponse>;
  /**
   * The log of a container, with a time before each line; `null` when the pod has no node yet. An abort of the signal says
   * nothing about the cluster, because the API asks the node of the pod.
   */
  readLog(pod: string, query: PodLogQuery, signal: AbortSignal): Promise<PodLogText | null>;
  /** The clock of the cluster, as its answers report it. Ages of its objects are computed with it. */
  readonly clock: Clock;
  /** Why the last request had no credentials, as part of a sentence; `null` when it had. */
  credentialsProblem(): string | null;
  /** The error that a request would throw now without being sent; `null` when a request would be sent. */
  blockedBy(): KubernetesError | null;
}

export interface PodLogQuery {
  container: string;
  previous: boolean;
  tailLines: number;
  /** In RFC 3339. */
  sinceTime?: string | undefined;
  limitBytes: number;
}

export interface PodLogText {
  text: string;
  /** The log was longer than `limitBytes`, so its newest part is missing. */
  isCut: boolean;
}

/** The part of undici's Response that callers of {@link KubernetesClient.open} need. */
interface StreamedResponse {
  body: AsyncIterable<Uint8Array>;
}

export function createKubernetesClient(options: {
  /** Called again when the credentials are refused. Credentials are renewed by replacing a file. */
  loadKubeConfig: () => KubeConfig;
  namespace: string;
  clock: Clock;
  random: () => number;
  requestTimeoutMs?: number;
}): KubernetesClient {
  const { namespace, clock, random, requestTimeoutMs = defaultRequestTimeoutMs } = options;
  const kubeConfig = options.loadKubeConfig();
  // A cluster behind a gateway has a path of its own.
  const server = kubeConfig.getCurrentCluster()?.server.replace(/\/+$/, '');
  if (!server) throw new Error('The kubeconfig names no cluster for its current context. Correct it.');
  const clusterClock = createClusterClock(clock);
  const { loadKubeConfig } = options;
  const credentials = createCredentials({
    kubeConfig,
    loadKubeConfig,
    clock: clusterClock,
    limitMs: requestTimeoutMs,
  });
  const api = new CoreV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(server, {}),
      authMethods: { default: credentials },
      promiseMiddleware: [timeLimit(requestTimeoutMs, (date) => clusterClock.observe(date))],
    }),
  );
  const gate = createRequestGate({
    clock,
    random,
    async probe() {
      const timeout = AbortSignal.timeout(Math.min(requestTimeoutMs, probeTimeoutMs));
      const response = await get(new URL(`${server}/version`), timeout).catch(orNoCredentials);
      await response?.body?.cancel();
    },
  });

  async function get(url: URL, signal: AbortSignal, accept = 'application/json') {
    const context = new RequestContext(url.toString(), HttpMethod.GET);
    await credentials.applySecurityAuthentication(context);
    const dispatcher = context.getDispatcher();
    const headers = { ...context.getHeaders(), accept };
    const response = await fetch(context.getUrl(), { headers, signal, ...(dispatcher ? { dispatcher } : {}) });
    clusterClock.observe(response.headers.get('date'));
    return response;
  }

  /** Sends every request through the gate and classifies its errors. `name` is the name of its trace span. */
  async function classified<T>(name: string, send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const settle = gate.enter();
    try {
      const result = await traced(name, { kind: SpanKind.CLIENT, onlyWithin: true }, send);
      settle('answered');
      return result;
    } catch (error) {
      const failure = toKubernetesError(error);
      if (failure.status === 401) credentials.renew();
      settle(signal?.aborted ? 'aborted' : failure);
      throw failure;
    }
  }

  async function orNull<T>(name: string, send: () => Promise<T>): Promise<T | null> {
    try {
      return await classified(name, send);
    } catch (error) {
      if (error instanceof KubernetesError && error.kind === 'not-found') return null;
      throw error;
    }
  }

  async function openStream(url: URL, signal: AbortSignal): Promise<StreamedResponse> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(new Error('no answer in time')), requestTimeoutMs);
    try {
      const response = await get(url, AbortSignal.any([signal, timeout.signal]));
      if (response.status === 200 && response.body) return { body: response.body };
      const body = await response.text().catch(() => '');
      throw fromResponse({ status: response.status, body, retryAfter: response.headers.get('retry-after') });
    } finally {
      clearTimeout(timer);
    }
  }

  async function fetchLog(url: URL, limitBytes: number, signal: AbortSignal): Promise<PodLogText | null> {
    const response = await get(url, signal, 'application/json, */*'); // the log is plain text, and a refusal is JSON
    if (response.status === 204) return null;
    if (response.status === 200) return readText(response.body ?? [], limitBytes);
    const body = await response.text().catch(() => '');
    throw fromResponse({ status: response.status, body, retryAfter: response.headers.get('retry-after') });
  }

  return {
    clock: clusterClock,
    blockedBy: () => gate.blockedBy(),
    credentialsProblem: () => credentials.problem(),
    readPod: (name) =>
      orNull('GET pod', () =>
        api.readNamespacedPod({ name, namespace }).then((pod) => parseObject('pod', kubernetesPodSchema, pod)),
      ),
    readClaim: (name) =>
      orNull('GET claim', () =>
        api
          .readNamespacedPersistentVolumeClaim({ name, namespace })
          .then((claim) => parseObject('volume claim', kubernetesClaimSchema, claim)),
      ),
    createPod: (body) =>
      classified('POST pod', () =>
        api.createNamespacedPod({ namespace, body }).then((pod) => parseObject('pod', kubernetesPodSchema, pod)),
      ),
    createClaim: (body) =>
      classified('POST claim', () =>
        api
          .createNamespacedPersistentVolumeClaim({ namespace, body })
          .then((claim) => parseObject('volume claim', kubernetesClaimSchema, claim)),
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
    open(resource, query, signal) {
      const url = new URL(`${server}/api/v1/namespaces/${namespace}/${resource}`);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      return classified(`LIST ${resource}`, () => openStream(url, signal), signal);
    },
    readLog(pod, query, signal) {
      const url = new URL(`${server}/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(pod)}/log`);
      for (const [name, value] of Object.entries({ ...query, timestamps: true })) {
        if (value !== undefined) url.searchParams.set(name, String(value));
      }
      return classified('GET log', () => fetchLog(url, query.limitBytes, signal), signal);
    },
  };
}

/** Without credentials nothing was sent. The cluster is not the reason, and each request says what is missing. */
function orNoCredentials(error: unknown): null {
  if (error instanceof KubernetesError) return null;
  throw error;
}

/** Reads at most `limitBytes`, whatever the server sends. */
async function readText(body: AsyncIterable<Uint8Array> | Uint8Array[], limitBytes: number): Promise<PodLogText> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= limitBytes) break;
  }
  return { text: Buffer.concat(chunks).toString('utf8', 0, limitBytes), isCut: bytes >= limitBytes };
}

/** @param onDate receives the `Date` header of each answer */
const timeLimit = (timeoutMs: number, onDate: (date: string | undefined) => void): Middleware => ({
  pre: (context: RequestContext) => {
    context.setSignal(AbortSignal.timeout(timeoutMs));
    return Promise.resolve(context);
  },
  post: (context: ResponseContext) => {
    onDate(context.headers['date']);
    return Promise.resolve(context);
  },
});
