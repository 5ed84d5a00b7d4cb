import { describe, expect, it } from 'vitest';

import {
  listAt,
  objectsAt,
  textAt,
  valueAt,
  type JsonObject,
} from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { mergePatch, nameOf, revisionOf, type Answer, type ContractApi } from '../contract-api.ts';
import { claimManifest, smallPod } from '../manifests.ts';

const namesOf = (answer: Answer): string[] => objectsAt(answer.body, 'items').map(nameOf);
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const eventAbout = (namespace: string, name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${name}.1` },
  involvedObject: { kind: 'Pod', namespace, name, uid: `uid-of-${name}` },
  reason: 'Pulled',
  type: 'Normal',
});

export function describeLists(api: () => ContractApi): void {
  describe('a list', () => {
    const threePods = async () => {
      const { pods, name, events } = await api().newNamespace();
      await api().post(pods, smallPod('a', { tier: 'front', app: 'one' }));
      await api().post(pods, smallPod('b', { tier: 'back', app: 'one' }));
      await api().post(pods, smallPod('c', { app: 'two' }));
      return { pods, name, events };
    };

    it('is sorted by name and has one resourceVersion, and its items have no kind', async () => {
      const { pods } = await threePods();
      const answer = await api().get(pods);
      expect(answer.body).toMatchObject({ kind: 'PodList', apiVersion: 'v1' });
      expect(revisionOf(answer.body)).toMatch(/^\d+$/);
      expect(namesOf(answer)).toEqual(['a', 'b', 'c']);
      expect(objectsAt(answer.body, 'items').map((item) => item['kind'])).toEqual([undefined, undefined, undefined]);
    });

    it.each<[string, string[]]>([
      ['app=one', ['a', 'b']],
      ['app==one,tier!=back', ['a']],
      ['tier!=back', ['a', 'c']],
      ['tier', ['a', 'b']],
      ['!tier', ['c']],
      ['tier in (front,back)', ['a', 'b']],
      ['tier notin (front)', ['b', 'c']],
      ['app in (one, two),tier', ['a', 'b']],
      ['app=none', []],
    ])('contains the objects that the label selector “%s” selects', async (labelSelector, names) => {
      const { pods } = await threePods();
      expect(namesOf(await api().get(pods, { labelSelector }))).toEqual(names);
    });

    it('is refused with 400 for an invalid selector or an unsupported field', async () => {
      const { pods } = await threePods();
      const queries = [
        { labelSelector: 'a in (b' },
        { labelSelector: '=x' },
        { fieldSelector: 'spec.magic=1' },
        { fieldSelector: 'nonsense' },
      ];
      for (const query of queries) {
        const answer = await api().get(pods, query);
        expect(answer.code).toBe(400);
        expect(answer.body).toMatchObject({ kind: 'Status', reason: 'BadRequest' });
      }
    });

    it('contains the pods that a field selector selects by name, namespace, node and phase', async () => {
      const { pods, name } = await threePods();
      await api().patch(`${pods}/b/status`, mergePatch, { status: { phase: 'Running' } });
      await api().call('POST', `${pods}/c/binding`, {
        body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'c' }, target: { kind: 'Node', name: 'n1' } },
      });
      const select = async (fieldSelector: string): Promise<string[]> =>
        namesOf(await api().get(pods, { fieldSelector }));
      expect(await select('metadata.name=a')).toEqual(['a']);
      expect(await select('status.phase=Running')).toEqual(['b']);
      expect(await select('status.phase!=Running')).toEqual(['a', 'c']);
      expect(await select('spec.nodeName=n1')).toEqual(['c']);
      expect(await select('spec.nodeName=,status.phase=Pending')).toEqual(['a']);
      expect(namesOf(await api().get('/api/v1/pods', { fieldSelector: `metadata.namespace=${name}` }))).toEqual([
        'a',
        'b',
        'c',
      ]);
    });

    it('contains the events about one object with a field selector', async () => {
      const { events, name: namespace } = await api().newNamespace();
      for (const name of ['one', 'two']) await api().post(events, eventAbout(namespace, name));
      const fieldSelector = `involvedObject.name=two,involvedObject.namespace=${namespace},involvedObject.uid=uid-of-two,involvedObject.kind=Pod`;
      expect(namesOf(await api().get(events, { fieldSelector }))).toEqual(['two.1']);
    });

    it('spans all namespaces without a namespace in the path', async () => {
      const first = await threePods();
      const second = await threePods();
      const answer = await api().get('/api/v1/pods', { labelSelector: 'app=two' });
      const namespaces = objectsAt(answer.body, 'items').map((item) => textAt(item, 'metadata', 'namespace'));
      expect(namespaces).toEqual(expect.arrayContaining([first.name, second.name]));
    });

    it('has pages of the same revision, whatever changes in between', async () => {
      const { pods } = await threePods();
      const first = await api().get(pods, { limit: '2' });
      expect(namesOf(first)).toEqual(['a', 'b']);
      expect(valueAt(first.body, 'metadata', 'remainingItemCount')).toBe(1);
      await api().post(pods, smallPod('bb'));
      await api().remove(`${pods}/c`);
      const second = await api().get(pods, { limit: '2', continue: textAt(first.body, 'metadata', 'continue') });
      expect(namesOf(second)).toEqual(['c']);
      expect(revisionOf(second.body)).toBe(revisionOf(first.body));
      expect(textAt(second.body, 'metadata', 'continue')).toBe('');
      expect(namesOf(await api().get(pods))).toEqual(['a', 'b', 'bb']);
    });

    it('answers 410 Expired for a page of a revision that was compacted, and 400 for an invalid token', async () => {
      const { events, name: namespace } = await api().newNamespace();
      for (const name of ['one', 'two']) await api().post(events, eventAbout(namespace, name));
      const first = await api().get(events, { limit: '1' });
      await api().post(events, eventAbout(namespace, 'three'));
      await api().target.compact();
      // For events, because version 1.34 and later answer for other kinds from a snapshot in memory. They drop it when they
      // notice the compaction, at most 15 s later. Version 1.33 answers 410 for all kinds.
      const answer = await api().get(events, { limit: '1', continue: textAt(first.body, 'metadata', 'continue') });
      expect(answer.code).toBe(410);
      expect(answer.body).toMatchObject({ kind: 'Status', reason: 'Expired', code: 410 });
      expect((await api().get(events, { limit: '1', continue: 'nonsense' })).code).toBe(400);
    });
  });

  describe('the table form for kubectl', () => {
    it('has the columns of pods', async () => {
      const { pods, name: namespace } = await api().newNamespace();
      await api().post(pods, smallPod('a'));
      const answer = await api().call('GET', pods, { accept: table });
      expect(answer.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
      const columns = objectsAt(answer.body, 'columnDefinitions');
      expect(columns.filter((column) => column['priority'] === 0).map((column) => column['name'])).toEqual([
        'Name',
        'Ready',
        'Status',
        'Restarts',
        'Age',
      ]);
      const [row] = objectsAt(answer.body, 'rows');
      expect(listAt(row, 'cells').slice(0, 4).map(String)).toEqual(['a', '0/1', 'Pending', '0']);
      expect(row).toMatchObject({ object: { kind: 'PartialObjectMetadata', metadata: { name: 'a', namespace } } });
    });

    it('has the columns of a claim', async () => {
      const { claims } = await api().newNamespace();
      await api().post(claims, claimManifest('workspace'));
      const answer = await api().call('GET', `${claims}/workspace`, { accept: table });
      const columns = objectsAt(answer.body, 'columnDefinitions').map((column) => column['name']);
      expect(columns).toEqual(
        expect.arrayContaining(['Name', 'Status', 'Volume', 'Capacity', 'Access Modes', 'StorageClass', 'Age']),
      );
      const [row] = objectsAt(answer.body, 'rows');
      expect(listAt(row, 'cells').slice(0, 2)).toEqual(['workspace', 'Pending']);
    });
  });
}
