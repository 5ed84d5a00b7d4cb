import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { jsonPatch, mergePatch, revisionOf, strategicPatch, type ContractApi } from '../contract-api.ts';
import { claimManifest, podManifest, smallPod } from '../manifests.ts';

const withLabel = (object: JsonObject, key: string, value: string): JsonObject => {
  const metadata = valueAt(object, 'metadata') as JsonObject;
  return { ...object, metadata: { ...metadata, labels: { ...(metadata['labels'] as JsonObject), [key]: value } } };
};

export function describeUpdates(api: () => ContractApi): void {
  describe('changing objects', () => {
    const newPod = async (manifest: JsonObject = smallPod('pod')) => {
      const { pods } = await api().newNamespace();
      const { body } = await api().post(pods, manifest);
      return { pod: body, path: `${pods}/pod` };
    };

    const createExpandableClass = async (name: string): Promise<void> => {
      const { code } = await api().post('/apis/storage.k8s.io/v1/storageclasses', {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name },
        provisioner: 'example.com/none',
        allowVolumeExpansion: true,
      });
      expect(code).toBe(201);
    };

    it('replaces an object that has not changed, and refuses a stale replacement with 409 Conflict', async () => {
      const { pod, path } = await newPod();
      const first = await api().put(path, withLabel(pod, 'step', 'one'));
      expect(first.code).toBe(200);
      expect(Number(revisionOf(first.body))).toBeGreaterThan(Number(revisionOf(pod)));
      const second = await api().put(path, withLabel(pod, 'step', 'two'));
      expect(second.code).toBe(409);
      expect(second.body).toMatchObject({
        kind: 'Status',
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on pods "pod": the object has been modified; please apply your changes to the latest version and try again',
        details: { name: 'pod', kind: 'pods' },
      });
      expect(valueAt((await api().get(path)).body, 'metadata', 'labels', 'step')).toBe('one');
    });

    it('refuses a replacement with another name with 400, and of a missing object with 404', async () => {
      const { pod, path } = await newPod();
      expect((await api().put(path.replace(/pod$/, 'other'), pod)).code).toBe(400);
      const missing = await api().put(path.replace(/pod$/, 'other'), smallPod('other'));
      expect(missing.code).toBe(404);
    });

    it('keeps the resourceVersion when a write changes nothing', async () => {
      const { pod, path } = await newPod(smallPod('pod', { a: 'b' }));
      const answer = await api().patch(path, mergePatch, { metadata: { labels: { a: 'b' } } });
      expect(answer.code).toBe(200);
      expect(revisionOf(answer.body)).toBe(revisionOf(pod));
    });

    it('accepts new images of a pod, and refuses other changes of its spec', async () => {
      const { path } = await newPod(podManifest('pod'));
      const image = await api().patch(path, strategicPatch, {
        spec: { containers: [{ name: 'file-browser', image: 'registry.example.com/file-browser:v2' }] },
      });
      expect(image.code).toBe(200);
      expect(objectsAt(image.body, 'spec', 'containers').map((item) => item['image'])).toEqual([
        'registry.example.com/opencode:v1',
        'registry.example.com/file-browser:v2',
        'registry.example.com/session-proxy:v1',
      ]);
      const answer = await api().patch(path, mergePatch, { spec: { hostNetwork: true } });
      expect(answer.code).toBe(422);
      expect(answer.body).toMatchObject({ reason: 'Invalid', details: { kind: 'Pod' } });
      expect(objectsAt(answer.body, 'details', 'causes')).toEqual(
        expect.arrayContaining([expect.objectContaining({ field: 'spec', reason: 'FieldValueForbidden' })]),
      );
    });

    it('applies a merge patch by RFC 7386: null removes a field, lists are replaced', async () => {
      const { path } = await newPod(smallPod('pod', { keep: 'k', drop: 'd' }));
      const answer = await api().patch(path, mergePatch, {
        metadata: { labels: { drop: null, add: 'a' }, finalizers: ['example.com/one'] },
      });
      expect(answer.code).toBe(200);
      expect(answer.body).toMatchObject({
        metadata: { labels: { keep: 'k', add: 'a' }, finalizers: ['example.com/one'] },
      });
      expect(valueAt(answer.body, 'metadata', 'labels', 'drop')).toBeUndefined();
      const cleared = await api().patch(path, mergePatch, { metadata: { finalizers: null } });
      expect(valueAt(cleared.body, 'metadata', 'finalizers')).toBeUndefined();
    });

    it('applies a JSON patch completely or not at all', async () => {
      const { path } = await newPod(smallPod('pod', { a: '1' }));
      const applied = await api().patch(path, jsonPatch, [
        { op: 'test', path: '/metadata/labels/a', value: '1' },
        { op: 'replace', path: '/metadata/labels/a', value: '2' },
        { op: 'add', path: '/metadata/labels/example.com~1b', value: '3' },
      ]);
      expect(applied.code).toBe(200);
      expect(valueAt(applied.body, 'metadata', 'labels')).toEqual({ a: '2', 'example.com/b': '3' });
      const failed = await api().patch(path, jsonPatch, [
        { op: 'remove', path: '/metadata/labels/example.com~1b' },
        { op: 'test', path: '/metadata/labels/a', value: '1' },
      ]);
      expect(failed.code).toBe(422);
      expect(valueAt((await api().get(path)).body, 'metadata', 'labels')).toEqual({ a: '2', 'example.com/b': '3' });
    });

    it('merges conditions by their type with a strategic patch', async () => {
      const { path } = await newPod();
      const condition = (type: string, status: string): JsonObject => ({
        type,
        status,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      });
      await api().patch(`${path}/status`, strategicPatch, {
        status: { conditions: [condition('PodScheduled', 'False')] },
      });
      const answer = await api().patch(`${path}/status`, strategicPatch, {
        status: { conditions: [condition('Ready', 'False'), condition('PodScheduled', 'True')] },
      });
      expect(answer.code).toBe(200);
      const conditions = objectsAt(answer.body, 'status', 'conditions').map(
        (item) => `${textAt(item, 'type')}=${textAt(item, 'status')}`,
      );
      expect(conditions.toSorted()).toEqual(['PodScheduled=True', 'Ready=False']);
    });

    it('refuses a patch with a stale resourceVersion or another uid', async () => {
      const { pod, path } = await newPod();
      await api().patch(path, mergePatch, { metadata: { labels: { changed: 'yes' } } });
      const stale = await api().patch(path, mergePatch, {
        metadata: { resourceVersion: revisionOf(pod), labels: { x: 'y' } },
      });
      expect(stale.code).toBe(409);
      const other = await api().patch(path, mergePatch, {
        metadata: { uid: '11111111-1111-1111-1111-111111111111', labels: { x: 'y' } },
      });
      expect(other.code).toBe(422);
      expect(objectsAt(other.body, 'details', 'causes').map((cause) => cause['field'])).toContain('metadata.uid');
      const { resourceVersion: _, ...metadata } = valueAt(pod, 'metadata') as JsonObject;
      const replaced = await api().put(path, {
        ...pod,
        metadata: { ...metadata, uid: '11111111-1111-1111-1111-111111111111' },
      });
      expect(replaced.code).toBe(409);
      expect(valueAt((await api().get(path)).body, 'metadata', 'labels', 'x')).toBeUndefined();
    });

    it('refuses an unknown kind of patch with 415', async () => {
      const { path } = await newPod();
      const answer = await api().patch(path, 'application/x-diff', {});
      expect(answer.code).toBe(415);
      expect(answer.body).toMatchObject({ kind: 'Status', reason: 'UnsupportedMediaType' });
    });

    it('writes the status only by its subresource, and everything else only without it', async () => {
      const { pod, path } = await newPod();
      const viaStatus = await api().put(`${path}/status`, {
        ...pod,
        spec: { ...(valueAt(pod, 'spec') as JsonObject), nodeName: 'elsewhere' },
        status: { phase: 'Running', podIP: '10.1.2.3' },
      });
      expect(viaStatus.code).toBe(200);
      expect(textAt(viaStatus.body, 'status', 'phase')).toBe('Running');
      expect(valueAt(viaStatus.body, 'spec', 'nodeName')).toBeUndefined();
      const viaObject = await api().put(path, { ...withLabel(viaStatus.body, 'a', 'b'), status: { phase: 'Failed' } });
      expect(viaObject.code).toBe(200);
      expect(textAt(viaObject.body, 'status', 'phase')).toBe('Running');
    });

    it('sets the volume of a claim once, and lets only a bound claim grow', async () => {
      const { claims, name } = await api().newNamespace();
      const path = `${claims}/workspace`;
      await createExpandableClass(name);
      const manifest = claimManifest('workspace');
      await api().post(claims, { ...manifest, spec: { ...(manifest['spec'] as JsonObject), storageClassName: name } });
      const resize = async (storage: string) =>
        await api().patch(path, mergePatch, { spec: { resources: { requests: { storage } } } });
      expect((await api().patch(path, mergePatch, { spec: { volumeName: 'volume-1' } })).code).toBe(200);
      expect((await api().patch(path, mergePatch, { spec: { volumeName: 'volume-2' } })).code).toBe(422);
      expect((await resize('3Gi')).code).toBe(422);
      await api().patch(`${path}/status`, mergePatch, { status: { phase: 'Bound', capacity: { storage: '1Gi' } } });
      expect((await resize('3Gi')).code).toBe(200);
      // Since version 1.32 the request may shrink again after a failed expansion, but has to stay above the capacity.
      expect((await resize('2Gi')).code).toBe(200);
      for (const storage of ['1Gi', '1Mi']) {
        const shrunk = await resize(storage);
        expect(shrunk.code).toBe(422);
        expect(shrunk.body).toMatchObject({
          message:
            'PersistentVolumeClaim "workspace" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
        });
      }
      expect(textAt((await api().get(path)).body, 'status', 'phase')).toBe('Bound');
    });

    it('changes nothing with dryRun=All', async () => {
      const { pod, path } = await newPod();
      const answer = await api().put(path, withLabel(pod, 'a', 'b'), { dryRun: 'All' });
      expect(valueAt(answer.body, 'metadata', 'labels', 'a')).toBe('b');
      expect((await api().get(path)).body).toEqual(pod);
    });
  });
}
