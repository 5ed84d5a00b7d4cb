import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import type { ContractApi } from '../contract-api.ts';
import { podManifest, smallPod } from '../manifests.ts';

export function describePodSubresources(api: () => ContractApi): void {
  describe('the subresources of a pod', () => {
    const bindingTo = (node: string): JsonObject => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'pod' },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });

    it('bind a pod to a node only once', async () => {
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
      const second = await api().post(`${pods}/pod/binding`, bindingTo('n2'));
      expect(second.code).toBe(409);
      expect(second.body).toMatchObject({ reason: 'Conflict' });
      expect(textAt((await api().get(`${pods}/pod`)).body, 'spec', 'nodeName')).toBe('n1');
    });

    it('answer 404 to the binding of a pod that does not exist', async () => {
      const { pods } = await api().newNamespace();
      expect((await api().post(`${pods}/pod/binding`, bindingTo('n1'))).code).toBe(404);
    });

    it('evict a pod as a deletion does', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('pod'));
      await api().post(`${pods}/pod/binding`, bindingTo('n1'));
      const evicted = await api().post(`${pods}/pod/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'pod' },
      });
      expect(evicted.code).toBe(201);
      expect(valueAt((await api().get(`${pods}/pod`)).body, 'metadata', 'deletionTimestamp')).toBeDefined();
    });

    it('have no log for a missing pod, a pod without a node, or several containers of which none is named', async () => {
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
