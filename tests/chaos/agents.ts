/** The OpenCodes of a chaos run: one for each project, at the address of its pod, from the time it is ready until it is deleted. */

import type { V1Pod } from '@kubernetes/client-node';

import { createFakeOpenCode, type FakeOpenCode } from '../support/fake-opencode.ts';
import { agentAddress } from './agent-address.ts';
import { projectIdOf } from './cluster-observer.ts';

export interface Agents {
  /** Reports a change of a pod. */
  onPod(pod: V1Pod, gone: boolean): void;
  /** How often each prompt is in a session. */
  promptCounts(): Map<string, number>;
  /** What the OpenCode of a project does, one line for each thing. */
  describe(projectId: string): string[];
  stop(): Promise<void>;
}

export function createAgents({ onError }: { onError: (error: unknown) => void }): Agents {
  /** By project: its sessions are on its volume, and outlive its pods. */
  const openCodes = new Map<string, { openCode: FakeOpenCode; podUid: string | null; last: Promise<void> }>();

  function openCodeOf(projectId: string) {
    const known = openCodes.get(projectId);
    if (known) return known;
    const made = { openCode: createFakeOpenCode(behaviour), podUid: null, last: Promise.resolve() };
    openCodes.set(projectId, made);
    return made;
  }

  return {
    onPod(pod, gone) {
      const own = openCodeOf(projectIdOf(pod));
      const uid = pod.metadata?.uid ?? '';
      const isEnding = gone || pod.metadata?.deletionTimestamp !== undefined || pod.status?.phase !== 'Running';
      const isReady =
        pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
      const { openCode } = own;
      if (own.podUid === uid && isEnding) {
        own.podUid = null;
        own.last = own.last.then(() => openCode.kill()).catch(onError);
      } else if (own.podUid === null && isReady && !isEnding) {
        own.podUid = uid;
        own.last = own.last.then(() => openCode.serve(agentAddress(uid))).catch(onError);
      }
    },
    promptCounts() {
      const counts = new Map<string, number>();
      const prompts = [...openCodes.values()].flatMap(({ openCode }) => openCode.prompts());
      for (const prompt of prompts) counts.set(prompt, (counts.get(prompt) ?? 0) + 1);
      return counts;
    },
    describe: (projectId) => openCodes.get(projectId)?.openCode.describe() ?? ['no pod was ever ready'],
    async stop() {
      for (const { last, openCode } of openCodes.values()) await last.then(() => openCode.kill()).catch(onError);
    },
  };
}

/** The number at the end of a prompt decides, so that the plan alone decides. */
const numberOf = (prompt: string) => Number(/\d+$/.exec(prompt)?.[0] ?? 0);
const behaviour = {
  workMs: (prompt: string) => 50 + (numberOf(prompt) % 7) * 700,
  asks: (prompt: string) => numberOf(prompt) % 3 === 0,
};
