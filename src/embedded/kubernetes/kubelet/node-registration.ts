import { kubeTime, type JsonObject } from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { Clock } from './clock.ts';
import { nodeAddress } from './pod-status.ts';

/** How much the node says that it has. It runs nothing, so the figures are large; `100` pods and more fit. */
export interface NodeCapacity {
  cpu: string;
  memory: string;
  pods: string;
}

export const defaultCapacity: NodeCapacity = { cpu: '4000', memory: '16Ti', pods: '20000' };

/** Registers the node, or takes it over from an earlier run, and reports it as ready. */
export async function registerNode(options: {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  nodeName: string;
  capacity: NodeCapacity;
}): Promise<void> {
  const { client, signal, nodeName } = options;
  const labels = {
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  };
  try {
    await client.call('POST', '/api/v1/nodes', {
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, labels }, spec: {} },
      signal,
    });
  } catch (error) {
    if (!isFailure(error, 409)) throw error;
  }
  // A real API's admission marks a new node as not ready; nobody else is there to take that back.
  await client.call('PATCH', `/api/v1/nodes/${nodeName}`, {
    contentType: 'application/merge-patch+json',
    body: { spec: { taints: null } },
    signal,
  });
  await reportNode(options);
}

/** The node's sign of life. */
export async function reportNode(options: {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  nodeName: string;
  capacity: NodeCapacity;
}): Promise<void> {
  const { client, clock, signal, nodeName, capacity } = options;
  const now = kubeTime(clock.nowMs());
  const amounts: JsonObject = { ...capacity };
  const condition = (type: string, status: string, reason: string, message: string): JsonObject => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  await client.call('PATCH', `/api/v1/nodes/${nodeName}/status`, {
    contentType: 'application/merge-patch+json',
    body: {
      status: {
        capacity: amounts,
        allocatable: amounts,
        conditions: [
          condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
          condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
          condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
          condition(
            'Ready',
            'True',
            'KubeletReady',
            'the embedded kubelet is posting ready status; it runs no containers',
          ),
        ],
        addresses: [
          { type: 'InternalIP', address: nodeAddress },
          { type: 'Hostname', address: nodeName },
        ],
        nodeInfo: {
          machineID: 'embedded',
          systemUUID: 'embedded',
          bootID: 'embedded',
          kernelVersion: 'none',
          osImage: 'embedded (no containers run here)',
          containerRuntimeVersion: 'none://0',
          kubeletVersion: 'v1.32.0+opencode-embedded',
          kubeProxyVersion: 'none',
          operatingSystem: 'linux',
          architecture: 'amd64',
        },
      },
    },
    signal,
  });
}
