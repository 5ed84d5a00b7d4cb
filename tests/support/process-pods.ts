/** An embedded Kubernetes that runs pods as processes, and pods for it. */

import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { vi } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject } from '../../src/embedded/kubernetes/api/kube-object.ts';
import { createEmbeddedKubernetes } from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { createApiClient, type ApiClient } from '../../src/embedded/kubernetes/kubelet/api-client.ts';
import { connectionOfFile } from '../../src/embedded/kubernetes/kubelet/api-connection.ts';
import {
  detectRuntime,
  type DetectedRuntime,
  type RuntimeKind,
} from '../../src/embedded/kubernetes/kubelet/runtime/process/detect-runtime.ts';
import type { CredentialPurpose } from '../../src/shared/node/access/credentials.ts';
import type { PublishedProvider } from '../../src/shared/node/models/model-catalogue.ts';
import { configFilesOf } from '../../src/shared/opencode/config-files.ts';
import {
  accessSecretManifest,
  claimManifest,
  podManifest,
  type PodSettings,
} from '../../src/worker/pods/kube/manifests.ts';
import { recordFixture } from './project-fixture.ts';

/** Short pauses after a crash. Probes keep their pace, because real programs answer them. */
export const quickDelays = { scheduleMs: 5, provisionMs: 5, settleMs: 20, backOffMs: 200 };
/** Real programs start, on a machine that runs other tests too. */
export const startTimeoutMs = 90_000;

/** Nothing answers at the discard port. Otherwise each new home folder would download 64 MB of packages. */
const openCodeEnv = { OPENCODE_DISABLE_MODELS_FETCH: '1', npm_config_registry: 'http://127.0.0.1:9/' };
const silent = { info: () => undefined, warn: () => undefined };
const base = '/api/v1/namespaces/opencode';

export async function detect(requested: RuntimeKind, dataDir: string): Promise<DetectedRuntime> {
  return await detectRuntime({ requested, dataDir, searchPath: process.env['PATH'] ?? '', log: silent });
}

/** Why a runtime does not work on this machine; null when it does. */
export async function whyNot(requested: 'sandbox' | 'process'): Promise<string | null> {
  const dataDir = await mkdtemp(join(tmpdir(), 'runtime-'));
  const runtime = await detect(requested, dataDir);
  await rm(dataDir, { recursive: true });
  return runtime.kind === 'simulated' ? runtime.reason : null;
}

/** The title of a group of tests, with the reason when they are skipped. */
export const titled = (title: string, reason: string | null): string =>
  reason === null ? title : `${title} (skipped: ${reason})`;

export type ProcessCluster = Awaited<ReturnType<typeof startProcessCluster>>;

/** Starts the embedded Kubernetes in this process. */
export async function startProcessCluster(dataDir: string, requested: 'sandbox' | 'process' = 'sandbox') {
  const runtime = await detect(requested, dataDir);
  if (runtime.kind === 'simulated') throw new Error(runtime.reason);
  const kubernetes = await createEmbeddedKubernetes({
    dataDir,
    kubeletOptions: { delays: quickDelays },
    runtime: { launcher: runtime.launcher, openCodeEnv },
  });
  const client = await connectTo(dataDir);
  return {
    ...podsOf(client),
    async stop() {
      client.close();
      await kubernetes.stop();
    },
  };
}

/** A program that does the same with plain processes, in a process of its own, and prints `ready`. */
export function clusterProgram(dataDir: string): string {
  const kubelet = '../../src/embedded/kubernetes/kubelet/runtime/process/detect-runtime.ts';
  const cluster = '../../src/embedded/kubernetes/embedded-kubernetes.ts';
  const address = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  return `
    import { detectRuntime } from ${address(kubelet)};
    import { createEmbeddedKubernetes } from ${address(cluster)};
    const log = { info: () => undefined, warn: () => undefined };
    const options = { requested: 'process', searchPath: process.env.PATH, log };
    const { launcher } = await detectRuntime({ ...options, dataDir: ${JSON.stringify(dataDir)} });
    await createEmbeddedKubernetes({
      dataDir: ${JSON.stringify(dataDir)},
      kubeletOptions: { delays: ${JSON.stringify(quickDelays)} },
      runtime: { launcher, openCodeEnv: ${JSON.stringify(openCodeEnv)} },
    });
    process.stdout.write('ready');`;
}

export async function connectTo(dataDir: string): Promise<ApiClient> {
  return createApiClient({ connection: await connectionOfFile(join(dataDir, 'kubeconfig')), userAgent: 'test' });
}

interface ProjectOptions {
  credentials?: Record<CredentialPurpose, string>;
  /** What its OpenCode knows of the model broker. */
  models?: { brokerUrl: string; providers: PublishedProvider[] };
}

/** Creates pods and waits for what happens to them. */
export function podsOf(client: ApiClient) {
  const get = async (name: string): Promise<JsonObject> => await client.get(`${base}/pods/${name}`);

  return {
    get,
    /** The project's claim, secret and pod, as the worker creates them. */
    async createProject(id: string, { credentials = credentialsOf(id), models }: ProjectOptions = {}) {
      const settings = { ...testSettings, modelBrokerUrl: models?.brokerUrl ?? null };
      const project = recordFixture({ id, podName: `pod-${id}`, workspacePvcName: `workspace-${id}` });
      const claim = await client.call('POST', `${base}/persistentvolumeclaims`, {
        body: manifest(claimManifest(project, settings)),
      });
      const claimUid = textAt(claim, 'metadata', 'uid');
      const secret = accessSecretManifest(project, { claimUid, settings, credentials });
      await client.call('POST', `${base}/secrets`, { body: manifest(secret) });
      await client.call('POST', `${base}/pods`, {
        body: manifest(podManifest(project, settings, { files: configFilesOf(null, models?.providers) })),
      });
      return { name: project.podName, claimName: project.workspacePvcName, claimUid, credentials };
    },
    /** A claim without a project. */
    async createClaim(id: string) {
      const project = recordFixture({ id, workspacePvcName: `workspace-${id}` });
      const body = manifest(claimManifest(project, testSettings));
      const claim = await client.call('POST', `${base}/persistentvolumeclaims`, { body });
      return { claimName: project.workspacePvcName, claimUid: textAt(claim, 'metadata', 'uid') };
    },
    /** A pod with one container of the image of OpenCode that runs a shell script instead, on the volume of a project. */
    async createScript(name: string, script: string, claimName?: string, probes: JsonObject = {}): Promise<void> {
      const volumes = claimName === undefined ? [] : [{ name: 'workspace', persistentVolumeClaim: { claimName } }];
      const container = {
        name: 'main',
        image: 'opencode-project-manager/opencode:test',
        command: ['/bin/sh', '-c', script],
        workingDir: '/',
        ...probes,
        volumeMounts: volumes.map((volume) => ({ name: volume.name, mountPath: '/workspace' })),
      };
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [container], volumes } };
      await client.call('POST', `${base}/pods`, { body });
    },
    async remove(plural: string, name: string): Promise<void> {
      await client.call('DELETE', `${base}/${plural}/${name}`);
    },
    async isGone(plural: string, name: string): Promise<boolean> {
      const list = await client.get(`${base}/${plural}`);
      return objectsAt(list, 'items').every((item) => textAt(item, 'metadata', 'name') !== name);
    },
    async waitUntilReady(name: string, restarts = 0): Promise<JsonObject> {
      return await vi.waitFor(
        async () => {
          const pod = await get(name);
          const statuses = objectsAt(pod, 'status', 'containerStatuses');
          const isReady = statuses.length > 0 && statuses.every((status) => status['ready'] === true);
          const isNew = statuses.some((status) => Number(status['restartCount']) >= restarts);
          if (!isReady || !isNew) throw new Error(JSON.stringify(valueAt(pod, 'status'), null, 1));
          return pod;
        },
        { timeout: startTimeoutMs, interval: 50 },
      );
    },
    async log(name: string, query: Record<string, string>): Promise<string[]> {
      const lines: string[] = [];
      for await (const line of client.lines(`${base}/pods/${name}/log`, { query, idleMs: 30_000 })) lines.push(line);
      return lines;
    },
    /** Follows a log until a line contains the text. */
    async followUntil(name: string, container: string, text: string): Promise<string> {
      const query = { container, follow: 'true' };
      for await (const line of client.lines(`${base}/pods/${name}/log`, { query, idleMs: 30_000 })) {
        if (line.includes(text)) return line;
      }
      throw new Error(`The log of ${container} ended without ${text}.`);
    },
    async events(): Promise<string[]> {
      const list = await client.get(`${base}/events`);
      return objectsAt(list, 'items').map((event) => `${textAt(event, 'reason')}: ${textAt(event, 'message')}`);
    },
  };
}

export const containerStatus = (pod: JsonObject, name: string): JsonObject | undefined =>
  objectsAt(pod, 'status', 'containerStatuses').find((status) => status['name'] === name);

export const addressOfPod = (pod: JsonObject): string => textAt(pod, 'status', 'podIP');

/** A request to a port of a pod with one of its credentials. */
export async function ask(
  pod: JsonObject,
  target: string,
  credential: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${credential}`, 'content-type': 'application/json' };
  return await fetch(`http://${addressOfPod(pod)}:${target}`, { ...init, headers });
}

export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const finish = (result: boolean) => () => {
      socket.destroy();
      done(result);
    };
    socket.on('connect', finish(true)).on('error', finish(false)).on('timeout', finish(false));
  });
}

/** The processes below a process, with their command lines. */
export function descendantsOf(pid: number): { pid: number; command: string }[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // The process has ended.
    }
  }
  const isBelow = (child: number): boolean => {
    const parent = parents.get(child) ?? 0;
    return parent === pid || (parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow).map((child) => ({ pid: child, command: commandOf(child) }));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return ''; // the process has ended
  }
}

const credentialsOf = (id: string) => ({
  opencode: `opencode-password-of-${id}`,
  sidecar: `sidecar-secret-of-${id}`,
  models: `models-secret-of-${id}`,
});

const testSettings: PodSettings = {
  installationId: 'test',
  accessKeyId: 'key-1',
  openCodeImage: 'opencode-project-manager/opencode:test',
  fileBrowserImage: 'opencode-project-manager/sidecars:test',
  sessionProxyImage: 'opencode-project-manager/sidecars:test',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  openCodeResources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '256Mi' } },
  workspaceSize: '1Gi',
  sizes: [],
  workspaceStorageClass: null,
  openCodeConfigMap: null,
  gitCaConfigMap: null,
  modelBrokerUrl: null,
  podTemplate: null,
};

/** A typed manifest as the JSON that is sent. */
const manifest = (object: object): JsonObject => JSON.parse(JSON.stringify(object)) as JsonObject;
