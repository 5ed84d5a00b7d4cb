/** One step of a simulated pod: the next status of all its containers, and the events that belong to it. */

import { objectsAt, textAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import type { KubeletDelays } from '../../delays.ts';
import { initialContainerStatus, podStatusOf } from '../../pod-status.ts';
import type { PodStep } from '../container-runtime.ts';
import { containerPath, hasSucceeded } from '../container-status.ts';
import { stepContainer } from './container-step.ts';
import { scenarioOfContainer, scenarioOfInit, type Scenario } from './scenarios.ts';
import { findScriptedEnd, type ScriptedEnd } from './scripted-end.ts';
import type { ContainerMemory } from './step-result.ts';

interface PodStepInput {
  pod: KubeObject;
  /** By container name. It is created and changed here. */
  memories: Map<string, ContainerMemory>;
  /** The images on the node. Images that this step finishes pulling are added. */
  images: Set<string>;
  delays: KubeletDelays;
  nowMs: number;
  /** The IP address of a pod, by its uid. */
  addressOf: (uid: string) => string;
}

/** A step, and the end of the pod that a scenario has planned. */
export interface SimulatedStep extends PodStep {
  scriptedEnd: ScriptedEnd | undefined;
}

/** Decides the next step of a pod on this node. It writes nothing to the API. */
export function stepPod(input: PodStepInput): SimulatedStep {
  const { pod, delays, nowMs, addressOf } = input;
  const stepper = createStepper(input);
  const { inits, areDone } = stepInits(pod, stepper);
  const containers = new Map<string, JsonObject>();
  for (const container of objectsAt(pod, 'spec', 'containers')) {
    const status = areDone
      ? stepper.step(container, { scenario: scenarioOfContainer(container), isInit: false })
      : stepper.statusOf(container);
    containers.set(textAt(container, 'name'), status);
  }
  return {
    status: podStatusOf(pod, { inits, containers, ip: addressOf(pod.metadata.uid) }, nowMs),
    events: stepper.events,
    retryAfterMs: stepper.retryAfterMs(),
    scriptedEnd: findScriptedEnd(pod, { containers, delays, nowMs }),
  };
}

/** Init containers run one after the other. The next one starts when the one before has ended with exit code 0. */
function stepInits(pod: KubeObject, stepper: Stepper): { inits: JsonObject[]; areDone: boolean } {
  const inits: JsonObject[] = [];
  let areDone = true;
  for (const container of objectsAt(pod, 'spec', 'initContainers')) {
    let status = stepper.statusOf(container);
    if (areDone && !hasSucceeded(status)) {
      status = stepper.step(container, { scenario: scenarioOfInit(container), isInit: true });
    }
    areDone &&= hasSucceeded(status);
    inits.push({ ...status, ready: hasSucceeded(status) });
  }
  return { inits, areDone };
}

type Stepper = ReturnType<typeof createStepper>;

/** Steps the containers of one pod, and collects their events and when the next step is due. */
function createStepper({ pod, memories, images, delays, nowMs, addressOf }: PodStepInput) {
  const hasInits = objectsAt(pod, 'spec', 'initContainers').length > 0;
  const known = new Map(
    [...objectsAt(pod, 'status', 'initContainerStatuses'), ...objectsAt(pod, 'status', 'containerStatuses')].map(
      (status) => [textAt(status, 'name'), status],
    ),
  );
  const { uid, name: podName, namespace = '' } = pod.metadata;
  const events: PodStep['events'] = [];
  let retryAfterMs: number | undefined;
  let isNodeBusy = false;

  const statusOf = (container: JsonObject): JsonObject =>
    known.get(textAt(container, 'name')) ?? initialContainerStatus(container, hasInits);

  /** One step of one container. Returns its new status. */
  function step(container: JsonObject, { scenario, isInit }: { scenario: Scenario; isInit: boolean }): JsonObject {
    const name = textAt(container, 'name');
    const image = textAt(container, 'image');
    const result = stepContainer({
      container,
      status: statusOf(container),
      memory: memoryOf(memories, name),
      scenario,
      restartPolicy: textAt(pod, 'spec', 'restartPolicy'),
      pod: { name: podName, namespace, uid, ip: addressOf(uid) },
      delays,
      nowMs,
      hasImage: images.has(image),
      isNodeBusy,
      isInit,
    });
    isNodeBusy ||= result.isBusy;
    if (result.hasPulled) images.add(image);
    if (result.retryAfterMs !== undefined) retryAfterMs = Math.min(retryAfterMs ?? Infinity, result.retryAfterMs);
    const fieldPath = containerPath(name, isInit);
    for (const event of result.events)
      events.push({ fieldPath: event.isOfPod === true ? undefined : fieldPath, event });
    return result.status;
  }

  return { events, step, statusOf, retryAfterMs: () => retryAfterMs };
}

function memoryOf(memories: Map<string, ContainerMemory>, name: string): ContainerMemory {
  const memory = memories.get(name) ?? { pullFailures: 0, probeFailures: 0 };
  memories.set(name, memory);
  return memory;
}
