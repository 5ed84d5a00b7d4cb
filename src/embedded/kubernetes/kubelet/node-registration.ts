/** The node of the embedded cluster as an object of the API: its registration, its status and its heartbeat. */

import { totalmem } from 'node:os';

import type { Clock } from '../../../shared/clock.ts';
import { kubeTime, type JsonObject } from '../api/kube-object.ts';
import { serverVersion } from '../api/version.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import { nodeAddress } from './pod-status.ts';
import { sleep } from './sleep.ts';

/** The capacity that the node reports. Simulated pods use nothing, so the figures are large. */
export interface NodeCapacity {
  cpu: string;
  memory: string;
  pods: string;
}

export const defaultCapacity: NodeCapacity = { cpu: '4000', memory: '16Ti', pods: '20000' };

/** The capacity for pods that are processes: the memory of this machine. The number of processors limits no process. */
export const machineCapacity = (): NodeCapacity => ({
  ...defaultCapacity,
  memory: `${Math.floor(totalmem() / 1024)}Ki`,
});

interface NodeOptions {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  nodeName: string;
  /** `none` when containers are simulated. */
  runtimeName: string;
  capacity: NodeCapacity;
}

/** Registers the node, or takes it over from an earlier run, and reports it as ready. */
export async function registerNode(options: NodeOptions): Promise<void> {
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
  // The admission of a real API taints a new node as not ready, and no node controller runs that removes the taint.
  await client.call('PATCH', `/api/v1/nodes/${nodeName}`, {
    contentType: 'application/merge-patch+json',
    body: { spec: { taints: null } },
    signal,
  });
  await reportNode(options);
}

/** Reports the status of the node again and again until the signal is aborted. */
export async function keepHeartbeat(
  options: NodeOptions & { delays: { heartbeatMs: number }; log: (line: string) => void },
): Promise<void> {
  const { delays, log, signal } = options;
  while (!signal.aborted) {
    await sleep(delays.heartbeatMs, signal);
    if (signal.aborted) return;
    await reportNode(options)
      // Somebody may have deleted the node. It is registered again as long as its kubelet runs.
      .catch(async (error: unknown) => {
        if (!isFailure(error, 404)) throw error;
        await registerNode(options);
      })
      .catch((error: unknown) => {
        if (!signal.aborted) log(`The node could not be reported: ${String(error)}`);
      });
  }
}

async function reportNode({ client, clock, signal, nodeName, runtimeName, capacity }: NodeOptions): Promise<void> {
  const time = kubeTime(clock.now());
  const isSimulated = runtimeName === 'none';
  const amounts: JsonObject = { ...capacity };
  const condition = (type: string, status: string, reason: string, message: string): JsonObject => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
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
            `the embedded kubelet is posting ready status; ${isSimulated ? 'it runs no containers' : 'containers are processes'}`,
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
          osImage: isSimulated ? 'embedded (no containers run here)' : 'embedded (containers are processes)',
          containerRuntimeVersion: `${runtimeName}://0`,
          kubeletVersion: serverVersion,
          kubeProxyVersion: 'none',
          operatingSystem: 'linux',
          architecture: 'amd64',
        },
      },
    },
    signal,
  });
}
