import { describe, expect, it } from 'vitest';

import { textAt, valueAt, type JsonObject } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { mergePatch, nameOf, revisionOf, type ContractApi } from '../contract-api.ts';
import { claimManifest, smallPod } from '../manifests.ts';

const otherUid = '11111111-1111-1111-1111-111111111111';

export function describeDeletion(api: () => ContractApi): void {
  describe('deleting objects', () => {
    const newPod = async (options: { node?: string; finalizers?: string[] } = {}) => {
      const { pods } = await api().newNamespace();
      const manifest = smallPod('pod');
      const { body } = await api().post(pods, {
        ...manifest,
        metadata: { name: 'pod', ...(options.finalizers ? { finalizers: options.finalizers } : {}) },
        spec: { ...(manifest['spec'] as JsonObject), ...(options.node ? { nodeName: options.node } : {}) },
      });
      return { pod: body, path: `${pods}/pod`, pods };
    };

    it('deletes a pod without a node at once', async () => {
      const { pod, path } = await newPod();
      const answer = await api().remove(path);
      expect(answer.code).toBe(200);
      expect(textAt(answer.body, 'metadata', 'uid')).toBe(textAt(pod, 'metadata', 'uid'));
      expect((await api().get(path)).code).toBe(404);
      expect((await api().remove(path)).code).toBe(404);
    });

    it('keeps a pod on a node until the kubelet deletes it with grace period 0', async () => {
      const { pod, path } = await newPod({ node: 'some-node' });
      const answer = await api().remove(path);
      expect(answer.code).toBe(200);
      expect(answer.body).toMatchObject({
        metadata: {
          uid: textAt(pod, 'metadata', 'uid'),
          deletionGracePeriodSeconds: 30,
          deletionTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
      });
      expect(Number(revisionOf(answer.body))).toBeGreaterThan(Number(revisionOf(pod)));
      expect((await api().get(path)).body).toEqual(answer.body);
      expect((await api().remove(path)).code).toBe(200);
      expect((await api().remove(path, { gracePeriodSeconds: 0 })).code).toBe(200);
      expect((await api().get(path)).code).toBe(404);
    });

    it('accepts a shorter grace period, but not a longer one', async () => {
      const { path } = await newPod({ node: 'some-node' });
      const graceOf = (body: JsonObject) => valueAt(body, 'metadata', 'deletionGracePeriodSeconds');
      expect(graceOf((await api().remove(path, { gracePeriodSeconds: 10 })).body)).toBe(10);
      expect(graceOf((await api().remove(path, { gracePeriodSeconds: 60 })).body)).toBe(10);
      expect(graceOf((await api().remove(path, undefined, { gracePeriodSeconds: '3' })).body)).toBe(3);
    });

    it('deletes a finished pod at once, even with a node', async () => {
      const { path } = await newPod({ node: 'some-node' });
      await api().patch(`${path}/status`, mergePatch, { status: { phase: 'Succeeded' } });
      await api().remove(path);
      expect((await api().get(path)).code).toBe(404);
    });

    it('refuses to delete another object of the same name by the preconditions', async () => {
      const { pod, path } = await newPod();
      const wrongUid = await api().remove(path, { preconditions: { uid: otherUid } });
      expect(wrongUid.code).toBe(409);
      expect(wrongUid.body).toMatchObject({ reason: 'Conflict', details: { name: 'pod' } });
      expect(wrongUid.body['message']).toContain(otherUid);
      expect((await api().remove(path, { preconditions: { resourceVersion: '1' } })).code).toBe(409);
      expect((await api().get(path)).code).toBe(200);
      const uid = textAt(pod, 'metadata', 'uid');
      expect((await api().remove(path, { preconditions: { uid }, propagationPolicy: 'Background' })).code).toBe(200);
      expect((await api().get(path)).code).toBe(404);
    });

    it('keeps an object until its last finalizer is removed', async () => {
      const { path } = await newPod({ finalizers: ['example.com/one', 'example.com/two'] });
      const answer = await api().remove(path);
      expect(valueAt(answer.body, 'metadata', 'deletionTimestamp')).toBeDefined();
      await api().patch(path, mergePatch, { metadata: { finalizers: ['example.com/two'] } });
      expect((await api().get(path)).code).toBe(200);
      const more = await api().patch(path, mergePatch, {
        metadata: { finalizers: ['example.com/two', 'example.com/three'] },
      });
      expect(more.code).toBe(422);
      await api().patch(path, mergePatch, { metadata: { finalizers: null } });
      expect((await api().get(path)).code).toBe(404);
    });

    it('keeps a claim until its protection finalizer is removed', async () => {
      const { claims } = await api().newNamespace();
      const path = `${claims}/workspace`;
      await api().post(claims, claimManifest('workspace'));
      const answer = await api().remove(path);
      expect(answer.body).toMatchObject({ metadata: { deletionGracePeriodSeconds: 0 } });
      expect(textAt(answer.body, 'metadata', 'deletionTimestamp')).not.toBe('');
      expect((await api().get(path)).code).toBe(200);
      await api().patch(path, mergePatch, { metadata: { finalizers: null } });
      expect((await api().get(path)).code).toBe(404);
    });

    it('deletes the objects of a collection that a label selector selects, and keeps the others', async () => {
      const { pods } = await api().newNamespace();
      for (const [name, app] of [
        ['a', 'x'],
        ['b', 'x'],
        ['c', 'y'],
      ] as const)
        await api().post(pods, smallPod(name, { app }));
      const answer = await api().remove(pods, undefined, { labelSelector: 'app=x' });
      expect(answer.code).toBe(200);
      const remaining = await api().get(pods);
      expect((remaining.body['items'] as JsonObject[]).map(nameOf)).toEqual(['c']);
    });

    it('deletes nothing with dryRun=All', async () => {
      const { path, pod } = await newPod();
      expect((await api().remove(path, { dryRun: ['All'] })).code).toBe(200);
      expect((await api().get(path)).body).toEqual(pod);
    });
  });
}
