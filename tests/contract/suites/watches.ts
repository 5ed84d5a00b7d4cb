import { describe, expect, it } from 'vitest';

import { objectsAt, textAt } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { mergePatch, nameOf, revisionOf, type ContractApi, type OpenWatch } from '../contract-api.ts';
import { smallPod } from '../manifests.ts';

const told = (watch: OpenWatch): string[] => watch.events.map(({ type, object }) => `${type} ${nameOf(object)}`);

export function describeWatches(api: () => ContractApi): void {
  describe('watching', () => {
    const revisionNow = async (path: string): Promise<string> => revisionOf((await api().get(path)).body);

    it('tells every change once, in order, with rising versions', async () => {
      const { pods } = await api().newNamespace();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods) });
      await api().post(pods, smallPod('a'));
      await api().post(pods, smallPod('b'));
      await api().patch(`${pods}/a`, mergePatch, { metadata: { labels: { step: 'two' } } });
      await api().remove(`${pods}/a`);
      await watch.next(({ type }) => type === 'DELETED');
      watch.stop();
      // A pod is marked as deleted before it goes, even when nobody has to be waited for.
      expect(told(watch)).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'MODIFIED a', 'DELETED a']);
      const revisions = watch.events.map(({ object }) => Number(revisionOf(object)));
      expect(revisions).toEqual(revisions.toSorted((left, right) => left - right));
      expect(new Set(revisions).size).toBe(5);
      expect(watch.events[0]?.object).toMatchObject({ kind: 'Pod', apiVersion: 'v1' });
    });

    it('resumes from any resourceVersion without loss', async () => {
      const { pods } = await api().newNamespace();
      const from = await revisionNow(pods);
      const first = await api().post(pods, smallPod('a'));
      await api().post(pods, smallPod('b'));
      await api().remove(`${pods}/a`);
      const all = await api().watch(pods, { resourceVersion: from });
      await all.next(({ type }) => type === 'DELETED');
      all.stop();
      expect(told(all)).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED a']);
      const rest = await api().watch(pods, { resourceVersion: revisionOf(first.body) });
      await rest.next(({ type }) => type === 'DELETED');
      rest.stop();
      expect(told(rest)).toEqual(['ADDED b', 'MODIFIED a', 'DELETED a']);
    });

    it('starts with what there is when no resourceVersion is named', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('a'));
      const watch = await api().watch(pods, {});
      await watch.next(({ object }) => nameOf(object) === 'a');
      await api().post(pods, smallPod('b'));
      await watch.next(({ object }) => nameOf(object) === 'b');
      watch.stop();
      expect(told(watch)).toEqual(['ADDED a', 'ADDED b']);
    });

    it('deletes, for the watcher, an object that leaves its label selector, and adds one that enters', async () => {
      const { pods } = await api().newNamespace();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods), labelSelector: 'app=mine' });
      await api().post(pods, smallPod('stranger', { app: 'other' }));
      await api().post(pods, smallPod('a', { app: 'mine' }));
      const left = await api().patch(`${pods}/a`, mergePatch, { metadata: { labels: { app: 'other' } } });
      const gone = await watch.next(({ type }) => type === 'DELETED');
      await api().patch(`${pods}/stranger`, mergePatch, { metadata: { labels: { app: 'mine' } } });
      await watch.next(({ object }) => nameOf(object) === 'stranger');
      watch.stop();
      expect(told(watch)).toEqual(['ADDED a', 'DELETED a', 'ADDED stranger']);
      expect(gone.object).toMatchObject({
        metadata: { resourceVersion: revisionOf(left.body), labels: { app: 'mine' } },
      });
    });

    it('watches one object by its name, and all namespaces at once', async () => {
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
      expect(told(one)).toEqual(['ADDED b']);
      expect(told(all)).toEqual(['ADDED a', 'ADDED b']);
    });

    it('ends properly after timeoutSeconds', async () => {
      const { pods } = await api().newNamespace();
      const startedAt = performance.now();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods), timeoutSeconds: '1' });
      await watch.ended;
      expect(performance.now() - startedAt).toBeGreaterThan(900);
      expect(performance.now() - startedAt).toBeLessThan(5000);
      expect(watch.events).toEqual([]);
    });

    it('sends bookmarks to who asks for them, from which a watch can go on', async () => {
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
      expect(told(without)).toEqual(['ADDED a']);
      const next = await api().watch(pods, { resourceVersion: revisionOf(bookmark.object) });
      await api().post(pods, smallPod('b'));
      await next.next(({ object }) => nameOf(object) === 'b');
      next.stop();
      expect(told(next)).toEqual(['ADDED b']);
    });

    it('answers a resourceVersion that is forgotten with one ERROR event of 410', async () => {
      const { events, pods } = await api().newNamespace();
      const past = await revisionNow(events);
      for (const name of ['a', 'b', 'c']) await api().post(pods, smallPod(name));
      await api().target.compact();
      // Events, for a real API server keeps the latest changes of other kinds in a cache of its own.
      const watch = await api().watch(events, { resourceVersion: past });
      const { object } = await watch.next(({ type }) => type === 'ERROR');
      watch.stop();
      expect(object).toMatchObject({ kind: 'Status', status: 'Failure', code: 410 });
      expect(['Expired', 'Gone']).toContain(textAt(object, 'reason'));
      expect(told(watch)).toHaveLength(1);
    });

    it('goes on from the present after the past is forgotten', async () => {
      const { pods } = await api().newNamespace();
      await api().target.compact();
      const watch = await api().watch(pods, { resourceVersion: await revisionNow(pods) });
      await api().post(pods, smallPod('a'));
      await watch.next(({ object }) => nameOf(object) === 'a');
      watch.stop();
      expect(told(watch)).toEqual(['ADDED a']);
    });

    it('tells changes as tables to kubectl', async () => {
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
