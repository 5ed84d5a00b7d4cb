import { describe, expect, it } from 'vitest';

import { objectsAt, textAt } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { mergePatch, nameOf, revisionOf, type ContractApi, type OpenWatch } from '../contract-api.ts';
import { smallPod } from '../manifests.ts';

const eventsOf = (watch: OpenWatch): string[] => watch.events.map(({ type, object }) => `${type} ${nameOf(object)}`);

export function describeWatches(api: () => ContractApi): void {
  describe('a watch', () => {
    const revisionNow = async (path: string): Promise<string> => revisionOf((await api().get(path)).body);

    it('delivers every change once, in order, with rising versions', async () => {
      const { pods } = await api().newNamespace();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods) });
      await api().post(pods, smallPod('a'));
      await api().post(pods, smallPod('b'));
      await api().patch(`${pods}/a`, mergePatch, { metadata: { labels: { step: 'two' } } });
      await api().remove(`${pods}/a`);
      await watch.next(({ type }) => type === 'DELETED');
      watch.stop();
      // A pod gets its deletion timestamp before it is deleted, even when nothing has to be waited for.
      expect(eventsOf(watch)).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'MODIFIED a', 'DELETED a']);
      const revisions = watch.events.map(({ object }) => Number(revisionOf(object)));
      expect(revisions).toEqual(revisions.toSorted((left, right) => left - right));
      expect(new Set(revisions).size).toBe(5);
      expect(watch.events[0]?.object).toMatchObject({ kind: 'Pod', apiVersion: 'v1' });
    });

    it('resumes from any resourceVersion without losing a change', async () => {
      const { pods } = await api().newNamespace();
      const from = await revisionNow(pods);
      const first = await api().post(pods, smallPod('a'));
      await api().post(pods, smallPod('b'));
      await api().remove(`${pods}/a`);
      const all = await api().watch(pods, { resourceVersion: from });
      await all.next(({ type }) => type === 'DELETED');
      all.stop();
      expect(eventsOf(all)).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED a']);
      const rest = await api().watch(pods, { resourceVersion: revisionOf(first.body) });
      await rest.next(({ type }) => type === 'DELETED');
      rest.stop();
      expect(eventsOf(rest)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED a']);
    });

    it('starts with the existing objects when it has no resourceVersion', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('a'));
      const watch = await api().watch(pods, {});
      await watch.next(({ object }) => nameOf(object) === 'a');
      await api().post(pods, smallPod('b'));
      await watch.next(({ object }) => nameOf(object) === 'b');
      watch.stop();
      expect(eventsOf(watch)).toEqual(['ADDED a', 'ADDED b']);
    });

    // WatchList: on by default since version 1.34. Version 1.33 refuses sendInitialEvents with 422.
    it('delivers the existing objects and a bookmark after them with sendInitialEvents', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('a'));
      const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' };
      const watch = await api().watch(pods, query);
      const { object } = await watch.next(({ type }) => type === 'BOOKMARK');
      expect(object).toMatchObject({ metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } });
      await api().post(pods, smallPod('b'));
      await watch.next((event) => nameOf(event.object) === 'b');
      watch.stop();
      expect(watch.events.filter(({ type }) => type === 'ADDED').map((event) => nameOf(event.object))).toEqual([
        'a',
        'b',
      ]);
    });

    it('refuses sendInitialEvents without resourceVersionMatch, and a list refuses it always, with 422', async () => {
      const { pods } = await api().newNamespace();
      const answer = await api().get(pods, { watch: 'true', timeoutSeconds: '1', sendInitialEvents: 'true' });
      expect(answer.code).toBe(422);
      expect((await api().get(pods, { sendInitialEvents: 'true' })).code).toBe(422);
    });

    it('delivers DELETED for an object that no longer matches its selector, and ADDED for one that starts to match', async () => {
      const { pods } = await api().newNamespace();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods), labelSelector: 'app=mine' });
      await api().post(pods, smallPod('other', { app: 'other' }));
      await api().post(pods, smallPod('a', { app: 'mine' }));
      const left = await api().patch(`${pods}/a`, mergePatch, { metadata: { labels: { app: 'other' } } });
      const deleted = await watch.next(({ type }) => type === 'DELETED');
      await api().patch(`${pods}/other`, mergePatch, { metadata: { labels: { app: 'mine' } } });
      await watch.next(({ object }) => nameOf(object) === 'other');
      watch.stop();
      expect(eventsOf(watch)).toEqual(['ADDED a', 'DELETED a', 'ADDED other']);
      expect(deleted.object).toMatchObject({
        metadata: { resourceVersion: revisionOf(left.body), labels: { app: 'mine' } },
      });
    });

    it('can select one object by its name, or span all namespaces', async () => {
      const { pods } = await api().newNamespace();
      const resourceVersion = await revisionNow(pods);
      const one = await api().watch(pods, { resourceVersion, fieldSelector: 'metadata.name=b' });
      const all = await api().watch('/api/v1/pods', { resourceVersion });
      await api().post(pods, smallPod('a'));
      await api().post(pods, smallPod('b'));
      await one.next(({ object }) => nameOf(object) === 'b');
      await all.next(({ object }) => nameOf(object) === 'b');
      one.stop();
      all.stop();
      expect(eventsOf(one)).toEqual(['ADDED b']);
      expect(eventsOf(all)).toEqual(['ADDED a', 'ADDED b']);
    });

    it('ends without an error after timeoutSeconds', async () => {
      const { pods } = await api().newNamespace();
      const startedAt = performance.now();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods), timeoutSeconds: '1' });
      await watch.ended;
      expect(performance.now() - startedAt).toBeGreaterThan(900);
      expect(performance.now() - startedAt).toBeLessThan(5000);
      expect(watch.events).toEqual([]);
    });

    it('delivers bookmarks on request, from which another watch can resume', async () => {
      const { pods } = await api().newNamespace();
      const query = { resourceVersion: await revisionNow(pods), timeoutSeconds: '3' };
      const [without, watch] = await Promise.all([
        api().watch(pods, query),
        api().watch(pods, { ...query, allowWatchBookmarks: 'true' }),
      ]);
      const { body } = await api().post(pods, smallPod('a'));
      const bookmark = await watch.next(({ type }) => type === 'BOOKMARK');
      expect(bookmark.object).toMatchObject({ kind: 'Pod', apiVersion: 'v1' });
      expect(Number(revisionOf(bookmark.object))).toBeGreaterThanOrEqual(Number(revisionOf(body)));
      await Promise.all([watch.ended, without.ended]);
      expect(eventsOf(without)).toEqual(['ADDED a']);
      const resumed = await api().watch(pods, { resourceVersion: revisionOf(bookmark.object) });
      await api().post(pods, smallPod('b'));
      await resumed.next(({ object }) => nameOf(object) === 'b');
      resumed.stop();
      expect(eventsOf(resumed)).toEqual(['ADDED b']);
    });

    it('delivers one ERROR event with 410 for a resourceVersion that was compacted', async () => {
      const { events, pods } = await api().newNamespace();
      const past = await revisionNow(events);
      for (const name of ['a', 'b', 'c']) await api().post(pods, smallPod(name));
      await api().target.compact();
      // For events, because a real API server keeps the latest changes of other kinds in its watch cache.
      const watch = await api().watch(events, { resourceVersion: past });
      const { object } = await watch.next(({ type }) => type === 'ERROR');
      watch.stop();
      expect(object).toMatchObject({ kind: 'Status', status: 'Failure', code: 410 });
      expect(['Expired', 'Gone']).toContain(textAt(object, 'reason'));
      expect(eventsOf(watch)).toHaveLength(1);
    });

    it('works from the current resourceVersion after a compaction', async () => {
      const { pods } = await api().newNamespace();
      await api().target.compact();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods) });
      await api().post(pods, smallPod('a'));
      await watch.next(({ object }) => nameOf(object) === 'a');
      watch.stop();
      expect(eventsOf(watch)).toEqual(['ADDED a']);
    });

    it('delivers changes as tables to kubectl', async () => {
      const { pods } = await api().newNamespace();
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods) }, accept);
      await api().post(pods, smallPod('a'));
      const { object } = await watch.next(({ type }) => type === 'ADDED');
      watch.stop();
      expect(object['kind']).toBe('Table');
      expect(objectsAt(object, 'rows')).toHaveLength(1);
    });
  });
}
