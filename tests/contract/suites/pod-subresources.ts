import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import type { ContractApi } from '../contract-api.ts';
import { podManifest, smallPod } from '../manifests.ts';

export function describePodSubresources(api: () => ContractApi): void {
  describe('binding, eviction and logs', () => {
    const bindingTo = (node: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'pod' },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });

    it('assigns a pod to a node once', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('pod'));
      const bound = await api().post(`${pods}/pod/binding`, bindingTo('n1'));
      expect(bound.code).toBe(201);
      expect(bound.body).toMatchObject({ kind: 'Status', status: 'Success' });
      const pod = (await api().get(`${pods}/pod`)).body;
      expect(textAt(pod, 'spec', 'nodeName')).toBe('n1');
      expect(objectsAt(pod, 'status', 'conditions')).toEqual([
        expect.objectContaining({ type: 'PodScheduled', status: 'True' }),
      ]);
      const again = await api().post(`${pods}/pod/binding`, bindingTo('n2'));
      expect(again.code).toBe(409);
      expect(again.body).toMatchObject({ reason: 'Conflict' });
      expect(textAt((await api().get(`${pods}/pod`)).body, 'spec', 'nodeName')).toBe('n1');
    });

    it('does not bind a pod that does not exist', async () => {
      const { pods } = await api().newNamespace();
      expect((await api().post(`${pods}/pod/binding`, bindingTo('n1'))).code).toBe(404);
    });

    it('evicts a pod as a deletion would', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('pod'));
      await api().post(`${pods}/pod/binding`, bindingTo('n1'));
      const minor = Number.parseInt(textAt((await api().get('/version')).body, 'minor'), 10);
      const evicted = await api().post(`${pods}/pod/eviction`, {
        apiVersion: minor >= 22 ? 'policy/v1' : 'policy/v1beta1',
        kind: 'Eviction',
        metadata: { name: 'pod' },
      });
      expect(evicted.code).toBe(201);
      expect(valueAt((await api().get(`${pods}/pod`)).body, 'metadata', 'deletionTimestamp')).toBeDefined();
    });

    it('has no log of a pod that is not there, has no node, or has several containers and none was named', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('pod'));
      await api().post(pods, podManifest('three'));
      expect((await api().get(`${pods}/nobody/log`)).code).toBe(404);
      const early = await api().get(`${pods}/pod/log`);
      expect(early).toMatchObject({ code: 204, text: '' });
      const unnamed = await api().get(`${pods}/three/log`);
      expect(unnamed.code).toBe(400);
      expect(unnamed.body['message']).toContain('a container name must be specified for pod three');
      expect((await api().get(`${pods}/three/log`, { container: 'nobody' })).code).toBe(400);
    });
  });
}
