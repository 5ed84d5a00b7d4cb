/** Scenarios: what the simulated kubelet does with a container, and where it reads that from. */

import { objectsAt, textAt, type JsonObject } from '../../../api/kube-object.ts';
import { scenarioTable } from './scenario-table.ts';

/**
 * What happens to a container. Without a scenario it runs and becomes ready. A scenario is chosen by its name: in the last
 * part of the image's name, such as `registry.example.com/team/opencode-not-found:v1`, or for one project by its repository
 * `https://scenarios.example/not-found`. All names: `docs/operations/scenarios.md`.
 */
export interface Scenario {
  /** What a person sees: one sentence for the documentation. */
  shows: string;
  pull?: { failure: string } | { isSlow: true };
  createError?: { reason: string; message: string };
  exit?: {
    code: number;
    reason: 'Error' | 'OOMKilled' | 'Completed' | 'StartError';
    /** The termination message. */
    message?: string;
    onlyOnce?: boolean;
  };
  /** How the init container ends, or that it does not end. */
  init?: { code: number; lastMessage: string } | { isSlow: true };
  failingProbe?: 'startup' | 'readiness' | 'liveness';
  /** The message of the failing probe, in place of a refused connection. */
  probeFailure?: string;
  /** What the scheduler reports about nodes, such as `1 Insufficient cpu`. */
  unschedulable?: string;
  /** The message of an event of the autoscaler about the pod. */
  scaleUp?: string;
  /** The message of an event of the provisioner about the claim of the pod. */
  provisioningFailure?: string;
  /** The repeated event that reports why the node cannot start the containers. */
  mount?: { reason: 'FailedMount' | 'FailedAttachVolume' | 'FailedCreatePodSandBox'; message: string };
  /** The scheduler or the node ignores the pod. */
  silent?: 'scheduler' | 'node';
  /** The whole pod fails some time after its containers have started. */
  podEnd?: { reason: string; message: string };
  /** Why the API refuses the pod. */
  refusal?: string;
  /** The pod is evicted once, some time after its containers have started. */
  leaves?: { reason: string; message: string; event?: { reason: string; component: string } };
  /** The node stops reporting some time after the containers have started. */
  nodeLost?: true;
}

export const scenarioNames = scenarioTable.map(([name]) => name);

const table = scenarioTable.map(
  ([name, createScenario]) => [new RegExp(`(?:^|[:._-])${name}(?:$|[:._-])`), createScenario] as const,
);
const healthy: Scenario = { shows: 'The container runs.' };

/**
 * The scenario of a container with this image.
 *
 * @param name where the name of the scenario is looked for; the last part of the image's name unless given
 */
export function scenarioOf(image: string, name = image.split('@')[0]?.split('/').at(-1) ?? ''): Scenario {
  for (const [pattern, createScenario] of table) {
    const match = pattern.exec(name);
    if (match !== null) return createScenario(image, match);
  }
  return healthy;
}

/** The scenario of a container: by the repository of its project if that names one, else by its image. */
export function scenarioOfContainer(container: JsonObject): Scenario {
  const image = textAt(container, 'image');
  const repository = objectsAt(container, 'env').find((variable) => textAt(variable, 'name') === 'REPO_URL');
  const name = /^https:\/\/scenarios\.example\/([\w-]+)$/.exec(textAt(repository, 'value'))?.[1];
  return name === undefined ? scenarioOf(image) : scenarioOf(image, name);
}

/** Whether a pod has a scenario: by the image of one of its containers, or by a repository on the host of the scenarios. */
export function hasScenario(pod: JsonObject): boolean {
  const containers = [...objectsAt(pod, 'spec', 'initContainers'), ...objectsAt(pod, 'spec', 'containers')];
  return containers.some(
    (container) =>
      scenarioOfContainer(container) !== healthy ||
      objectsAt(container, 'env').some((variable) =>
        textAt(variable, 'value').startsWith('https://scenarios.example/'),
      ),
  );
}

/** The scenario of an init container: what keeps the pod from starting, or how the init container ends. */
export function scenarioOfInit(container: JsonObject): Scenario {
  const { shows, silent, mount, init } = scenarioOfContainer(container);
  const { pull, createError } = scenarioOf(textAt(container, 'image'));
  return {
    shows,
    ...(silent && { silent }),
    ...(mount && { mount }),
    ...(pull && { pull }),
    ...(createError?.reason === 'InvalidImageName' && { createError }),
    ...(init !== undefined && 'isSlow' in init
      ? {}
      : {
          exit: {
            code: init?.code ?? 0,
            reason: init === undefined || init.code === 0 ? 'Completed' : 'Error',
            message: init?.lastMessage ?? 'cloned',
          },
        }),
  };
}

/** Why the API refuses this pod, by the scenario of one of its containers; undefined when it accepts the pod. */
export function refusalOf(pod: JsonObject): string | undefined {
  const scenarios = objectsAt(pod, 'spec', 'containers').map(scenarioOfContainer);
  return scenarios.find(({ refusal }) => refusal !== undefined)?.refusal;
}
