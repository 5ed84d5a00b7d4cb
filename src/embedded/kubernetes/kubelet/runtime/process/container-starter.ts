/** Starts a container, or says why that is not possible yet. */

import { textAt, type KubeObject } from '../../../api/kube-object.ts';
import type { KubeletDelays } from '../../delays.ts';
import { waiting, warning } from '../container-status.ts';
import { startedStatus, type Decision, type DecisionInput } from './container-decision.ts';
import type { ContainerSupervisor } from './container-supervisor.ts';
import type { Launcher } from './launcher.ts';
import { MissingResource, type PodResources } from './pod-resources.ts';
import { healthWithoutProbes } from './probe-state.ts';
import { resolveContainer } from './resolve-container.ts';

interface StartOptions {
  pod: KubeObject;
  supervisor: ContainerSupervisor;
  address: string;
  isInit: boolean;
  restartCount: number;
  lastState: NonNullable<Extract<Decision['action'], { kind: 'start' }>>['lastState'];
}

export function createContainerStarter(deps: {
  launcher: Launcher;
  owner: string;
  resources: PodResources;
  openCodeEnv: Readonly<Record<string, string>>;
  delays: Pick<KubeletDelays, 'settleMs'>;
}) {
  return async (input: DecisionInput, options: StartOptions): Promise<Omit<Decision, 'action'>> => {
    const { pod, supervisor, address, isInit, restartCount, lastState } = options;
    const { container } = input;
    try {
      const { resolved, messageFile } = await resolveContainer({ ...deps, pod, container, address, restartCount });
      const { uid } = pod.metadata;
      supervisor.start({ uid, container, resolved, messageFile, restartCount, address, isInit });
      const health = healthWithoutProbes(container);
      return startedStatus(input, { restartCount, lastState, startedAtMs: Date.now(), health });
    } catch (error) {
      if (!(error instanceof MissingResource)) throw error;
      return missing(input, error, deps.delays.settleMs);
    }
  };
}

/** As the kubelet reports it: a missing volume as an event of the pod, a missing variable as the state of the container. */
function missing({ status }: DecisionInput, error: MissingResource, settleMs: number): Omit<Decision, 'action'> {
  if (error.kind === 'volume') {
    const event = { ...warning('FailedMount', error.message), isOfPod: true };
    return { status, events: [event], retryAfterMs: 4 * settleMs };
  }
  const isReported = textAt(status, 'state', 'waiting', 'message') === error.message;
  return {
    status: waiting(status, 'CreateContainerConfigError', error.message),
    events: isReported ? [] : [warning('Failed', `Error: ${error.message}`)],
    retryAfterMs: 4 * settleMs,
  };
}
