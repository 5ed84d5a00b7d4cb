/** The system on the lab's cluster, for the tests there: how to bring it up, to sign in, and to look at what went wrong. */

import { execFileSync, spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { z } from 'zod';

import { createApiCall } from '../support/api-call.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';

/** The Service's address, as tests/lab/overlay fixes it: the lab has no names outside. */
export const url = 'http://10.96.200.80';
/** Where the system and where the projects are, as arguments of kubectl. */
export const system = ['-n', 'opencode-system'];
export const projects = ['-n', 'opencode'];
export const overlay = fileURLToPath(new URL('overlay', import.meta.url));

/** @returns what kubectl prints. @throws Error with what it says when it fails */
export const kubectl = (...args: string[]) => execFileSync('kubectl', args, { encoding: 'utf8', stdio: 'pipe' });

/** What a person or a machine would look at first, when something does not come up. */
export function findings(): string {
  return [
    kubectl('get', 'pods', '-A', '-o', 'wide'),
    kubectl('get', 'events', '-A', '--sort-by=.lastTimestamp').split('\n').slice(-30).join('\n'),
    ...['migrate', 'server', 'worker'].map(
      (name) =>
        spawnSync('kubectl', [...system, 'logs', '--tail=15', '-l', `app.kubernetes.io/component=${name}`], {
          encoding: 'utf8',
        }).stdout,
    ),
  ].join('\n');
}

/** Waits until every server and worker is of the newest revision and ready. */
export function untilRolledOut(): void {
  for (const workload of ['deployment/server', 'deployment/worker']) {
    kubectl(...system, 'rollout', 'status', workload, '--timeout=180s');
  }
}

/** Brings the kind overlay into the cluster, or finds it there, and waits until all of it is ready. */
export function bringUp(): void {
  try {
    kubectl('apply', '-k', overlay);
    kubectl(...system, 'wait', '--for=condition=complete', 'job/migrate', '--timeout=180s');
    for (const workload of [
      'statefulset/postgres',
      'statefulset/redis',
      'deployment/issuer',
      'deployment/git-server',
    ]) {
      kubectl(...system, 'rollout', 'status', workload, '--timeout=120s');
    }
    untilRolledOut();
  } catch (error) {
    process.stdout.write(`${findings()}\n`);
    throw error;
  }
}

/** Signs a person in through the issuer. */
export async function signIn(person: string) {
  const browser = createCookieBrowser();
  const page = await browser.open(`${url}/auth/login`);
  const home = await browser.open(page.url, { form: { as: person } });
  const api = createApiCall(url, { cookie: browser.cookiesFor(url), origin: url });
  return {
    /** Where the browser ended. */
    home,
    api,
    /** Makes a personal access token. */
    async token(): Promise<string> {
      const created = await api('tokens.create', { body: { name: 'lab' } });
      return z.object({ token: z.string() }).parse(created.data).token;
    },
  };
}

/** What a container of a pod prints for a command. */
export const inContainer = (pod: string, container: string, ...command: string[]) =>
  kubectl(...projects, 'exec', pod, '-c', container, '--', ...command);

/** The secret that opens a project's ports. */
export const secretOf = (projectId: string) =>
  atob(kubectl(...projects, 'get', 'secret', `access-${projectId}`, '-o', 'jsonpath={.data.token}'));

/** A request to one of the three ports of a project's pod, with an `authorization` header or without. */
export async function askPod(
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
