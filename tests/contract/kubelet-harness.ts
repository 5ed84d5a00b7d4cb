/** An API with kubelets, and helpers to read the status of pods. */

import { expect } from 'vitest';

import { objectsAt, textAt, type JsonObject } from '../../src/embedded/kubernetes/api/kube-object.ts';
import type { KubeletDelays } from '../../src/embedded/kubernetes/kubelet/delays.ts';
import { createKubelet, type Kubelet } from '../../src/embedded/kubernetes/kubelet/kubelet.ts';
import { eventually, openApi } from './contract-api.ts';
import { smallPod } from './manifests.ts';
import type { Target } from './targets.ts';

/** Much shorter delays than the default ones. */
const quick: KubeletDelays = {
  scheduleMs: 1,
  provisionMs: 1,
  pullMs: 10,
  slowPullMs: 60_000,
  createMs: 5,
  initMs: 20,
  startupMs: 20,
  readyMs: 20,
  failAfterMs: 20,
  settleMs: 40,
  backOffMs: 200,
  backOffLimitMs: 60_000,
  probeSecondMs: 20,
  stopMs: 50,
  unboundTimeoutMs: 300,
  heartbeatMs: 60_000,
};

export const statusOf = (pod: JsonObject, container: string): JsonObject | undefined =>
  objectsAt(pod, 'status', 'containerStatuses').find((status) => status['name'] === container);

export const conditionOf = (pod: JsonObject, type: string): JsonObject | undefined =>
  objectsAt(pod, 'status', 'conditions').find((condition) => condition['type'] === type);

export const isReady = (pod: JsonObject): boolean => conditionOf(pod, 'Ready')?.['status'] === 'True';

/** Whether the container `main` of a pod waits with this reason. */
export const isWaitingFor =
  (reason: string) =>
  (pod: JsonObject): boolean =>
    textAt(statusOf(pod, 'main'), 'state', 'waiting', 'reason') === reason;

export type KubeletHarness = Awaited<ReturnType<typeof openKubeletHarness>>;

/** Starts an API. Each test starts its own kubelet on it. */
export async function openKubeletHarness(target: Target) {
  const api = await openApi(target);
  const kubelets: Kubelet[] = [];
  const get = async (path: string): Promise<JsonObject> => (await api.get(path)).body;

  return {
    api,
    get,
    async startKubelet(delays: Partial<KubeletDelays> = {}): Promise<Kubelet> {
      const kubelet = createKubelet({ kubeConfig: api.kubeConfig, delays: { ...quick, ...delays } });
      kubelets.push(kubelet);
      await kubelet.start();
      return kubelet;
    },
    async stopKubelets(): Promise<void> {
      for (const kubelet of kubelets.splice(0)) await kubelet.stop();
    },
    /** Creates a pod of one container with this image, and returns it when it passes the test. */
    async podWith(image: string, test: (pod: JsonObject) => boolean, container: JsonObject = {}) {
      const namespace = await api.newNamespace();
      const containers = [{ name: 'main', image: `registry.example.com/team/${image}`, ...container }];
      const created = await api.post(namespace.pods, { ...smallPod('pod'), spec: { containers } });
      expect(created.code).toBe(201);
      const path = `${namespace.pods}/pod`;
      return { pod: await eventually(async () => await get(path), test), path, namespace };
    },
    /** The events about an object, one line each. */
    async eventsOf(events: string, name: string): Promise<string[]> {
      const answer = await api.get(events, { fieldSelector: `involvedObject.name=${name}` });
      return objectsAt(answer.body, 'items').map(
        (event) => `${textAt(event, 'type')} ${textAt(event, 'reason')}: ${textAt(event, 'message')}`,
      );
    },
  };
}
