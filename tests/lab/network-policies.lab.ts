/**
 * The NetworkPolicies of k8s/ on a cluster that enforces them. Each test compares all connections from a source with those that
 * should succeed. Each policy is also removed for a moment, which must change what succeeds; without any policy everything
 * succeeds, so every refusal above is a policy's.
 */

import type { ChildProcess } from 'node:child_process';
import type { Server } from 'node:net';

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import { createClient, type Client, type Project } from '../../src/shared/sdk/client.ts';
import { deploy, kubectl, kubectlApply, overlay, projects, signIn, url } from './cluster.ts';
import {
  connectFrom,
  listenInPod,
  listenOnNode,
  listNodeDestinations,
  listPodDestinations,
  readPolicies,
  listSources,
  destinationPods,
  type Destination,
  type Source,
} from './network-probe.ts';
import { createStandIns, removeStandIns } from './stand-ins.ts';

/** The ports of a project that gateways, servers and workers use. */
const sessionProxy = 'session proxy of another project';
const fileBrowser = 'file browser of another project';
const projectPorts = ['OpenCode of another project', fileBrowser, sessionProxy];
const stores = ['PostgreSQL', 'Redis'];
/** What the system offers to everybody in the cluster. */
const offered = ['server', 'gateway', 'worker metrics', 'issuer'];
/** Pods that no policy of k8s/ protects. */
const unprotected = [
  'pod of another namespace',
  'port 53 in another namespace',
  'port 53 of another pod of kube-system',
  'DNS over TCP',
  'DNS over UDP',
  'DNS pod, unused port',
];
const dns = ['DNS over TCP', 'DNS over UDP'];

let client: Client;
const createdIds: string[] = [];
let sources: Record<string, Source>;
let podDestinations: Destination[];
let nodeDestinations: Destination[];
let listeners: ChildProcess[] = [];
let nodeListener: Server;
let nodeNames: string[];

beforeAll(async () => {
  await deploy();
  createStandIns();
  client = createClient({ url, token: await (await signIn('user-a')).token() });
  const [project, other] = await Promise.all([createProject('Policies A'), createProject('Policies B')]);
  listeners = await Promise.all(Object.values(destinationPods()).map(listenInPod));
  const { server, port } = await listenOnNode();
  nodeListener = server;
  sources = listSources(project);
  podDestinations = listPodDestinations(other);
  nodeDestinations = listNodeDestinations(port);
  nodeNames = nodeDestinations.map(({ name }) => name);
  // Belongs to the lab, and would limit project pods further.
  kubectl(...projects, 'delete', 'networkpolicy', 'git-server');
});
afterAll(async () => {
  for (const listener of listeners) listener.stdin?.end();
  nodeListener?.close();
  kubectl('apply', '-k', overlay);
  removeStandIns();
  for (const id of createdIds) await client.projects.delete({ id });
  await client?.close();
});

async function createProject(name: string): Promise<Project> {
  const { id } = await client.projects.create({ name: `${name} ${Date.now()}` });
  createdIds.push(id);
  return await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
}

/** Waits until exactly these destinations answer; a change of a policy takes effect after about two seconds. */
async function expectReachable(source: string, expected: string[], among = [...podDestinations, ...nodeDestinations]) {
  const command = sources[source];
  if (command === undefined) throw new Error(`There is no source "${source}".`);
  const names = among.map(({ name }) => name);
  await vi.waitFor(async () => expect(await connectFrom(command, among)).toEqual(inOrder(names, expected)), {
    timeout: 30_000,
    interval: 300,
  });
}

function inOrder(names: string[], expected: string[]): string[] {
  const unknown = expected.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`No destination is called ${unknown.join(', ')}.`);
  return names.filter((name) => expected.includes(name));
}

/** Removes policies until the end of the test. */
function withoutPolicies(namespace: 'opencode' | 'opencode-system', ...names: string[]): void {
  const policies = readPolicies(namespace).filter(({ metadata }) => names.includes(metadata.name));
  expect(policies.map(({ metadata }) => metadata.name).toSorted()).toEqual(names.toSorted());
  kubectl('-n', namespace, 'delete', 'networkpolicy', ...names);
  onTestFinished(() => void kubectlApply(policies));
}

describe('with all policies', () => {
  it('a project pod reaches DNS, the model broker and public addresses, and nothing else of the cluster, its node, private networks or the cloud', () =>
    expectReachable('project pod', [...dns, 'model broker', 'public address']));

  it('a gateway reaches its stores and the session proxy of a project, and no other port of it', () =>
    expectReachable('gateway', [sessionProxy, ...stores, ...offered, ...unprotected, ...nodeNames]));

  it('a server reaches its stores, and file browser and session proxy of a project', () =>
    expectReachable('server', [fileBrowser, sessionProxy, ...stores, ...offered, ...unprotected, ...nodeNames]));

  it('a worker reaches its stores, the API server and the session proxy of a project, and no other port of it', () =>
    expectReachable('worker', [sessionProxy, ...stores, ...offered, ...unprotected, ...nodeNames]));

  it('another pod of the system namespace reaches neither the stores nor projects', () =>
    // A pod always reaches itself.
    expectReachable('other pod of the system', ['other pod of the system', ...offered, ...unprotected, ...nodeNames]));

  it('a pod of another namespace reaches neither the stores nor projects, even with the labels of a gateway', () =>
    expectReachable('impostor in another namespace', [...offered, ...unprotected, ...nodeNames]));

  it('a client outside the cluster reaches the server, the gateway and the issuer, and neither metrics of workers, stores nor projects', () =>
    expectReachable('outside the cluster', ['server', 'gateway', 'issuer', ...unprotected], podDestinations));
});

describe('each policy is needed', () => {
  it('without "projects" a project pod reaches other projects, the node and the metadata service, and others reach projects', async () => {
    withoutPolicies('opencode', 'projects');
    await Promise.all([
      expectReachable('project pod', [...projectPorts, 'model broker', ...offered, ...unprotected, ...nodeNames]),
      expectReachable('worker', [...projectPorts, ...stores, ...offered, ...unprotected, ...nodeNames]),
      expectReachable(
        'outside the cluster',
        [...projectPorts, 'server', 'gateway', 'issuer', ...unprotected],
        podDestinations,
      ),
    ]);
  });

  it('without "nobody" a pod that no other policy selects accepts connections', async () => {
    withoutPolicies('opencode-system', 'nobody');
    await Promise.all([
      expectReachable('impostor in another namespace', [
        'other pod of the system',
        ...offered,
        ...unprotected,
        ...nodeNames,
      ]),
      expectReachable('project pod', [...dns, 'model broker', 'public address']),
    ]);
  });

  it('without the policies of server, gateway, worker, stores and issuer nobody reaches them', async () => {
    withoutPolicies('opencode-system', 'server', 'gateway', 'worker', 'postgres', 'redis', 'keycloak');
    await Promise.all([
      expectReachable('gateway', [sessionProxy, ...unprotected, ...nodeNames]),
      expectReachable('impostor in another namespace', [...unprotected, ...nodeNames]),
      expectReachable('outside the cluster', unprotected, podDestinations),
    ]);
  });

  it('without any policy every connection succeeds, so each refusal above was a policy', async () => {
    for (const namespace of ['opencode', 'opencode-system'] as const) {
      withoutPolicies(namespace, ...readPolicies(namespace).map(({ metadata }) => metadata.name));
    }
    const all = [...podDestinations, ...nodeDestinations].map(({ name }) => name);
    await Promise.all([
      ...Object.keys(sources)
        .filter((source) => source !== 'outside the cluster')
        .map((source) => expectReachable(source, all)),
      expectReachable(
        'outside the cluster',
        podDestinations.map(({ name }) => name),
        podDestinations,
      ),
    ]);
  });
});
