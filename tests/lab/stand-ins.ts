/**
 * What the network policies are measured against: pods in other namespaces, addresses of the node that stand for private networks
 * and metadata services, and a client outside the cluster. `removeStandIns` removes everything.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { kubectl, kubectlApply } from './cluster.ts';

const readProgram = (name: string) => readFileSync(new URL(`in-pod/${name}.ts`, import.meta.url), 'utf8');
const connectProgram = readProgram('connect');
const listenProgram = readProgram('listen');
export const connectCommand = (destinations: object[]) => [
  '--eval',
  connectProgram,
  '--',
  JSON.stringify(destinations),
];
export const listenCommand = (ports: number[]) => ['--eval', listenProgram, '--', JSON.stringify(ports)];

export const otherNamespace = 'opencode-lab-other';
/** A port on which only stand-ins listen. */
export const unusedPort = 9_999;

/**
 * Each address becomes an alias of the node's loopback interface, so a listener on the node answers there. A refused connection is
 * then refused by a policy, not by a missing listener.
 */
export const nodeAliases = {
  'metadata service': '169.254.169.254',
  'Azure platform service': '168.63.129.16',
  'private network 172.16.0.0/12': '172.16.99.1',
  'private network 192.168.0.0/16': '192.168.99.1',
  'shared address space 100.64.0.0/10': '100.64.99.1',
  // AS112: globally reachable according to IANA's registry, and of no use to this machine.
  'public address': '192.31.196.1',
};

const aliasLabel = 'lo:opencode';

/** A network namespace of the node with an address that belongs to no pod and to no node. */
const outside = { name: 'opencode-outside', link: 'opm-outside', node: '198.51.100.1', client: '198.51.100.2' };
export const outsideCommand = ['netns', 'exec', outside.name];

const listeningPod = (namespace: string, name: string, labels: Record<string, string>, ports: number[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace, name, labels },
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'listener',
        image: 'docker.io/opencode-project-manager/sidecars:0.2.0',
        command: ['node', ...listenCommand(ports)],
        stdin: true, // the program ends when its standard input closes
        readinessProbe: { tcpSocket: { port: ports[0] }, periodSeconds: 1 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});

export const standInPods = {
  plain: { namespace: 'opencode-system', name: 'lab-plain' },
  impostor: { namespace: otherNamespace, name: 'lab-impostor' },
  dns: { namespace: 'kube-system', name: 'lab-dns' },
  kubeSystem: { namespace: 'kube-system', name: 'lab-plain' },
};

/** Creates everything and waits until the pods are ready. */
export function createStandIns(): void {
  removeNetwork();
  for (const address of Object.values(nodeAliases))
    ip('address', 'add', `${address}/32`, 'dev', 'lo', 'label', aliasLabel);
  ip('netns', 'add', outside.name);
  ip('link', 'add', outside.link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside.name);
  ip('address', 'add', `${outside.node}/30`, 'dev', outside.link);
  ip('link', 'set', outside.link, 'up');
  ip('-n', outside.name, 'address', 'add', `${outside.client}/30`, 'dev', 'eth0');
  ip('-n', outside.name, 'link', 'set', 'eth0', 'up');
  ip('-n', outside.name, 'route', 'add', 'default', 'via', outside.node);

  const { plain, impostor, dns, kubeSystem } = standInPods;
  // The labels by which the policies select a gateway; only the namespace is wrong.
  const gatewayLabels = {
    'app.kubernetes.io/name': 'opencode-project-manager',
    'app.kubernetes.io/component': 'gateway',
    'k8s-app': 'kube-dns',
  };
  kubectlApply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: otherNamespace } },
    listeningPod(plain.namespace, plain.name, {}, [unusedPort]),
    listeningPod(impostor.namespace, impostor.name, gatewayLabels, [53, unusedPort]),
    listeningPod(dns.namespace, dns.name, { 'k8s-app': 'kube-dns' }, [53, unusedPort]),
    listeningPod(kubeSystem.namespace, kubeSystem.name, {}, [53]),
  ]);
  for (const { namespace, name } of Object.values(standInPods)) {
    kubectl('-n', namespace, 'wait', '--for=condition=ready', `pod/${name}`, '--timeout=60s');
  }
}

export function removeStandIns(): void {
  removeNetwork();
  for (const { namespace, name } of Object.values(standInPods)) {
    kubectl('-n', namespace, 'delete', 'pod', name, '--ignore-not-found', '--wait=false');
  }
  kubectl('delete', 'namespace', otherNamespace, '--ignore-not-found', '--wait=false');
}

/** Also removes what an earlier run left behind when it was killed. tests/lab/run does the same. */
function removeNetwork(): void {
  spawnSync('ip', ['address', 'flush', 'dev', 'lo', 'label', aliasLabel]);
  spawnSync('ip', ['netns', 'delete', outside.name]);
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });
