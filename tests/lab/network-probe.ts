/** Measures which connections succeed: from each source, inside a pod or outside the cluster, to each destination. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import { promisify } from 'node:util';

import { z } from 'zod';

import type { Project } from '../../src/shared/sdk/client.ts';
import { kubectl, system } from './cluster.ts';
import {
  connectCommand,
  listenCommand,
  nodeAliases,
  otherNamespace,
  outsideCommand,
  standInPods,
  unusedPort,
} from './stand-ins.ts';

export interface Destination {
  name: string;
  protocol: 'tcp' | 'udp';
  host: string;
  port: number;
}

/** How to run Node with given arguments there. */
export type Source = [command: string, ...args: string[]];

const execFileAsync = promisify(execFile);
const podsOf = (component: string) =>
  kubectl(...system, 'get', 'pods', '-l', component, '-o', 'jsonpath={.items[*].metadata.name}').split(' ');
const ipOf = (namespace: string, pod: string) =>
  kubectl('-n', namespace, 'get', 'pod', pod, '-o', 'jsonpath={.status.podIP}');
const tcp = (name: string, host: string, port: number): Destination => ({ name, protocol: 'tcp', host, port });

/** Pods of the system that serve as destinations. Of servers, gateways and workers, the first pod is a source: a pod always reaches itself. */
export const destinationPods = () => ({
  server: podsOf('app.kubernetes.io/component=server').at(-1) ?? '',
  gateway: podsOf('app.kubernetes.io/component=gateway').at(-1) ?? '',
  worker: podsOf('app.kubernetes.io/component=worker').at(-1) ?? '',
  postgres: 'postgres-0',
  redis: 'redis-0',
  issuer: podsOf('app.kubernetes.io/name=keycloak')[0] ?? '',
});

export function listSources(project: Project): Record<string, Source> {
  const [server = ''] = podsOf('app.kubernetes.io/component=server');
  const [gateway = ''] = podsOf('app.kubernetes.io/component=gateway');
  const [worker = ''] = podsOf('app.kubernetes.io/component=worker');
  const inPod = (namespace: string, pod: string, container: string): Source => [
    'kubectl',
    '-n',
    namespace,
    'exec',
    pod,
    '-c',
    container,
    '--',
    'node',
  ];
  return {
    'project pod': inPod('opencode', project.podName, 'opencode-server'),
    server: inPod('opencode-system', server, 'server'),
    gateway: inPod('opencode-system', gateway, 'gateway'),
    worker: inPod('opencode-system', worker, 'worker'),
    'other pod of the system': inPod('opencode-system', standInPods.plain.name, 'listener'),
    'impostor in another namespace': inPod(otherNamespace, standInPods.impostor.name, 'listener'),
    'outside the cluster': ['ip', ...outsideCommand, process.execPath],
  };
}

/** The pods among the destinations: what a policy for incoming connections can protect. */
export function listPodDestinations(otherProject: Project): Destination[] {
  const pods = destinationPods();
  const inSystem = (pod: string) => ipOf('opencode-system', pod);
  const project = ipOf('opencode', otherProject.podName);
  const dns = ipOf('kube-system', standInPods.dns.name);
  return [
    tcp('OpenCode of another project', project, 3000),
    tcp('file browser of another project', project, 3001),
    tcp('session proxy of another project', project, 3002),
    tcp('server', inSystem(pods.server), 3080),
    tcp('server, unused port', inSystem(pods.server), unusedPort),
    tcp('gateway', inSystem(pods.gateway), 3082),
    tcp('model broker', inSystem(pods.gateway), 3083),
    tcp('gateway, unused port', inSystem(pods.gateway), unusedPort),
    tcp('worker metrics', inSystem(pods.worker), 3081),
    tcp('worker, unused port', inSystem(pods.worker), unusedPort),
    tcp('PostgreSQL', inSystem(pods.postgres), 5432),
    tcp('PostgreSQL, unused port', inSystem(pods.postgres), unusedPort),
    tcp('Redis', inSystem(pods.redis), 6379),
    tcp('Redis, unused port', inSystem(pods.redis), unusedPort),
    tcp('issuer', inSystem(pods.issuer), 8080),
    tcp('issuer, unused port', inSystem(pods.issuer), unusedPort),
    tcp('other pod of the system', inSystem(standInPods.plain.name), unusedPort),
    tcp('pod of another namespace', ipOf(otherNamespace, standInPods.impostor.name), unusedPort),
    tcp('port 53 in another namespace', ipOf(otherNamespace, standInPods.impostor.name), 53),
    tcp('port 53 of another pod of kube-system', ipOf('kube-system', standInPods.kubeSystem.name), 53),
    tcp('DNS over TCP', dns, 53),
    { name: 'DNS over UDP', protocol: 'udp', host: dns, port: 53 },
    tcp('DNS pod, unused port', dns, unusedPort),
  ];
}

/** The API server, the node, and the addresses that the node has for the test. `listenerPort` is open on all of them. */
export function listNodeDestinations(listenerPort: number): Destination[] {
  const read = (...args: string[]) => kubectl('get', ...args);
  const service = read('service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIP}');
  const [api = '', apiPort] = read(
    'endpointslices',
    'kubernetes',
    '-o',
    'jsonpath={.endpoints[0].addresses[0]} {.ports[0].port}',
  ).split(' ');
  const [node = '', kubeletPort] = read(
    'nodes',
    '-o',
    'jsonpath={.items[0].status.addresses[0].address} {.items[0].status.daemonEndpoints.kubeletEndpoint.Port}',
  ).split(' ');
  return [
    tcp('API server', service, 443),
    tcp('API server at the address of its node', api, Number(apiPort)),
    tcp('kubelet', node, Number(kubeletPort)),
    tcp('node', node, listenerPort),
    ...Object.entries(nodeAliases).map(([name, address]) => tcp(name, address, listenerPort)),
    ...privateAddressesOfMachine(node).map((address) => tcp(`node at ${address}`, address, listenerPort)),
  ];
}

/** A policy cannot know a node's public addresses, so those are left out. */
function privateAddressesOfMachine(podGateway: string): string[] {
  const isPrivate = /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|192\.0\.2\.)/;
  return Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses.filter(({ family, internal }) => family === 'IPv4' && !internal))
    .map(({ address }) => address)
    .filter((address) => isPrivate.test(address) && address !== podGateway);
}

/** @returns the names of the destinations that answer, in the order of `destinations` */
export async function connectFrom([command, ...args]: Source, destinations: Destination[]): Promise<string[]> {
  const { stdout } = await execFileAsync(command, [...args, ...connectCommand(destinations)]);
  return JSON.parse(stdout) as string[]; // printed by in-pod/connect.ts
}

/** Listens on the unused port inside a pod of the system. Killing the process is not enough: its stdin has to close. */
export async function listenInPod(pod: string): Promise<ChildProcess> {
  const child = spawn('kubectl', [...system, 'exec', '-i', pod, '--', 'node', ...listenCommand([unusedPort])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error(`Nothing listens in ${pod}.`)));
  });
  return child;
}

/** Listens on every address of this machine. */
export async function listenOnNode(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => {
    server.listen(0, '0.0.0.0', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The listener has no TCP port.');
  return { server, port: address.port };
}

const policiesSchema = z.object({
  items: z.array(
    z.object({
      apiVersion: z.string().default('networking.k8s.io/v1'),
      kind: z.string().default('NetworkPolicy'),
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      spec: z.unknown(),
    }),
  ),
});

/** The NetworkPolicies of a namespace, in a form that can be applied again. */
export const readPolicies = (namespace: 'opencode' | 'opencode-system') =>
  policiesSchema.parse(JSON.parse(kubectl('-n', namespace, 'get', 'networkpolicies', '-o', 'json'))).items;
