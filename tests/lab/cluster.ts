/** The deployed system on the lab's cluster: deploys it, signs people in, runs kubectl, and collects diagnostics. */

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, vi } from 'vitest';
import { z } from 'zod';

import { createApiCall } from '../support/api-call.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';

/** The address of the server's Service, fixed by tests/lab/overlay. */
export const url = 'http://10.96.200.80';
/** The address of the gateway's Service, and the domain of the projects. No DNS server knows that domain. */
export const gateway = { host: '10.96.200.83', domain: 'workspaces.lab' };
/** kubectl arguments for the namespaces of the system and of the projects. */
export const system = ['-n', 'opencode-system'];
export const projects = ['-n', 'opencode'];
export const overlay = fileURLToPath(new URL('overlay', import.meta.url));
export const programs = ['-l', 'app.kubernetes.io/component in (server, gateway, worker)'];

/** @returns what kubectl prints. @throws Error with what kubectl prints to stderr, when it fails */
export const kubectl = (...args: string[]) => execFileSync('kubectl', args, { encoding: 'utf8', stdio: 'pipe' });

const execFileAsync = promisify(execFile);
export const kubectlAsync = async (...args: string[]) => (await execFileAsync('kubectl', args)).stdout;

const applyText = (manifests: string) =>
  execFileSync('kubectl', ['apply', '-f', '-'], { input: manifests, stdio: 'pipe' });
export const kubectlApply = (objects: object[]) =>
  applyText(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

/** Pods, events and logs that explain why something did not become ready. */
export function diagnostics(): string {
  return [
    kubectl('get', 'pods', '-A', '-o', 'wide'),
    kubectl('get', 'events', '-A', '--sort-by=.lastTimestamp').split('\n').slice(-30).join('\n'),
    ...['migrate', 'server', 'gateway', 'worker'].map(
      (name) =>
        spawnSync('kubectl', [...system, 'logs', '--tail=15', '-l', `app.kubernetes.io/component=${name}`], {
          encoding: 'utf8',
        }).stdout,
    ),
  ].join('\n');
}

const waitForRollouts = (workloads: string[]) =>
  Promise.all(workloads.map((workload) => kubectlAsync(...system, 'rollout', 'status', workload, '--timeout=180s')));

/** Waits until every server, gateway and worker has the newest revision and is ready. */
export async function waitForPrograms(): Promise<void> {
  await waitForRollouts(['deployment/server', 'deployment/gateway', 'deployment/worker']);
}

/**
 * Applies the lab's overlay and waits until everything is ready. It changes nothing where the overlay is already deployed.
 * Stores come first: the migration would fail without them, and the kubelet waits longer after each failure.
 */
export async function deploy(): Promise<void> {
  try {
    const manifests = kubectl('kustomize', overlay).split('\n---\n');
    applyText(manifests.filter((text) => !/^kind: (Deployment|Job)$/m.test(text)).join('\n---\n'));
    await waitForRollouts(['statefulset/postgres', 'statefulset/redis']);
    kubectl('apply', '-k', overlay);
    await Promise.all([
      kubectlAsync(...system, 'wait', '--for=condition=complete', 'job/migrate', '--timeout=180s'),
      waitForRollouts(['deployment/issuer', 'deployment/git-server', 'deployment/model']),
      waitForPrograms(),
    ]);
    await waitForSignIn();
  } catch (error) {
    process.stdout.write(`${diagnostics()}\n`);
    throw error;
  }
}

/** Waits until servers reach the issuer: the network plug-in learns the address of a pod a moment after the pod is ready. */
async function waitForSignIn(): Promise<void> {
  const question = () => fetch(`${url}/auth/login`, { redirect: 'manual' });
  await vi.waitFor(async () => expect((await question()).headers.get('location')).not.toBeNull(), {
    timeout: 60_000,
    interval: 500,
  });
}

/** Signs a person in through the issuer. */
export async function signIn(person: string) {
  const browser = createCookieBrowser();
  const page = await browser.open(`${url}/auth/login`);
  const home = await browser.open(page.url, { form: { as: person } });
  const api = createApiCall(url, { cookie: browser.cookiesFor(url), origin: url });
  return {
    /** The page on which the browser ended. */
    home,
    api,
    /** Creates a personal access token. */
    async token(): Promise<string> {
      const created = await api('tokens.create', { body: { name: 'lab' } });
      return z.object({ token: z.string() }).parse(created.data).token;
    },
  };
}

/** Runs a command in a container of a project's pod. @returns what it prints */
export const execInPod = (pod: string, container: string, ...command: string[]) =>
  kubectl(...projects, 'exec', pod, '-c', container, '--', ...command);

/** As {@link execInPod}, while the caller goes on. */
export const execInPodAsync = (pod: string, container: string, ...command: string[]) =>
  kubectlAsync(...projects, 'exec', pod, '-c', container, '--', ...command);

/** A derived credential of a project, from the secret of its pod. */
export const readCredential = (projectId: string, purpose: 'opencode' | 'sidecar') =>
  atob(
    kubectl(
      ...projects,
      'get',
      'secret',
      '-l',
      `project-id=${projectId}`,
      '-o',
      `jsonpath={.items[0].data.${purpose}}`,
    ),
  );

/** Sends a request to a port of a project's pod; `authorization: null` sends no such header. */
export async function requestPod(
  podName: string,
  port: number,
  path: string,
  authorization: string | null,
  init: RequestInit = {},
): Promise<Response> {
  const ip = kubectl(...projects, 'get', 'pod', podName, '-o', 'jsonpath={.status.podIP}');
  const headers = { ...(authorization === null ? {} : { authorization }), 'content-type': 'application/json' };
  return await fetch(`http://${ip}:${port}${path}`, { ...init, headers });
}

/** Sends a GET request to the origin of a project, through the gateway's Service. */
export function requestGateway(
  projectId: string,
  path: string,
  token: string | null,
): Promise<{ status: number; body: string }> {
  const headers = {
    host: `p-${projectId}.${gateway.domain}`,
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: gateway.host, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject).end();
  });
}
