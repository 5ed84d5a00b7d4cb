import { objectsAt, textAt, type JsonObject } from '../api/kube-object.ts';
import { scenarioTable } from './scenario-table.ts';

/**
 * What befalls a container, read from a word in the last part of its image's name, such as
 * `registry.example.com/team/opencode-not-found:v1`; for one project alone from its repository, as in
 * `https://scenarios.example/not-found`. Everything else runs well. What each word plays: `docs/operations/scenarios.md`.
 */
export interface Scenario {
  /** What a person sees, for the documentation. */
  shows: string;
  pull?: { failure: string } | { isSlow: true };
  createError?: { reason: string; message: string };
  exit?: {
    code: number;
    reason: 'Error' | 'OOMKilled' | 'Completed' | 'StartError';
    /** Its last words. */
    message?: string;
    onlyOnce?: boolean;
  };
  /** What befalls the init container instead of its good end. */
  init?: { code: number; lastMessage: string } | { isSlow: true };
  failingProbe?: 'startup' | 'readiness' | 'liveness';
  /** In place of a refused connection. */
  probeFailure?: string;
  /** What the scheduler says about nodes, as in `1 Insufficient cpu`. */
  unschedulable?: string;
  /** What is told beside it: of the pod by an autoscaler, of its claim by a provisioner. */
  scaleUp?: string;
  provisioningFailure?: string;
  /** What keeps the node from beginning; told again and again. */
  mount?: { reason: 'FailedMount' | 'FailedAttachVolume' | 'FailedCreatePodSandBox'; message: string };
  /** Nobody does anything with the pod. */
  silent?: 'scheduler' | 'node';
  /** The whole pod ends a while after its containers have started. */
  podEnd?: { reason: string; message: string };
  /** Why the API does not take the pod at all. */
  refusal?: string;
  /** It is asked to leave a while after its containers have started, once. */
  leaves?: { reason: string; message: string; event?: { reason: string; component: string } };
  /** The node is heard of no more, a while after the containers have started. */
  nodeLost?: true;
}

export const scenarioNames = scenarioTable.map(([word]) => word);

const table = scenarioTable.map(
  ([word, createScenario]) => [new RegExp(`(?:^|[:._-])${word}(?:$|[:._-])`), createScenario] as const,
);
const well: Scenario = { shows: 'runs well' };

/** What befalls a container of this image. */
export function scenarioOf(image: string, word = image.split('@')[0]?.split('/').at(-1) ?? ''): Scenario {
  for (const [pattern, createScenario] of table) {
    const match = pattern.exec(word);
    if (match !== null) return createScenario(image, match);
  }
  return well;
}

/** What befalls this container: by the repository of its project if that names a situation, else by its image. */
export function scenarioOfContainer(container: JsonObject): Scenario {
  const image = textAt(container, 'image');
  const repository = objectsAt(container, 'env').find((variable) => textAt(variable, 'name') === 'REPO_URL');
  const word = /^https:\/\/scenarios\.example\/([\w-]+)$/.exec(textAt(repository, 'value'))?.[1];
  return word === undefined ? scenarioOf(image) : scenarioOf(image, word);
}

/** What befalls an init container: what keeps its pod from beginning, or its own end. */
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

/** Why the API refuses this pod, as the situation of one of its containers has it. */
export function refusalOf(pod: JsonObject): string | undefined {
  const scenarios = objectsAt(pod, 'spec', 'containers').map(scenarioOfContainer);
  return scenarios.find(({ refusal }) => refusal !== undefined)?.refusal;
}
