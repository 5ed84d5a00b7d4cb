/**
 * The baseline of P1, in a separate process like server and worker. It watches pods. For each change it sends a message of the
 * same size as ours (MESSAGE_BYTES) to the socket of the project. The path of a socket is the id of its project.
 */

import process from 'node:process';

import { CoreV1Api, KubeConfig, Watch, type V1Pod } from '@kubernetes/client-node';
import { WebSocketServer, type WebSocket } from 'ws';

const kubeConfig = new KubeConfig();
kubeConfig.loadFromFile(process.env['KUBECONFIG'] ?? '');
const padding = 'x'.repeat(Number(process.env['MESSAGE_BYTES']));
const sockets = new Map<string, WebSocket>();

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
server.on('connection', (socket, { url = '/' }) => sockets.set(url.slice(1), socket));
server.on('listening', () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`port ${address?.port}\n`);
});

const api = kubeConfig.makeApiClient(CoreV1Api);
const { metadata } = await api.listNamespacedPod({ namespace: 'opencode', limit: 1 });
await new Watch(kubeConfig).watch(
  '/api/v1/namespaces/opencode/pods',
  { resourceVersion: metadata?.resourceVersion },
  (_type, pod: V1Pod) => {
    const restarts = pod.status?.containerStatuses?.[0]?.restartCount ?? 0;
    sockets.get(pod.metadata?.labels?.['project-id'] ?? '')?.send(`${restarts} ${padding}`);
  },
  () => process.exit(1),
);
