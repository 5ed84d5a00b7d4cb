import { describe, expect, it } from 'vitest';

import { objectsAt, textAt } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import type { ContractApi } from '../contract-api.ts';

export function describeAccess(api: () => ContractApi): void {
  describe('access and discovery', () => {
    it.each(['none', 'a-wrong-token'])('refuses a request with the token "%s" with 401 and a Status', async (token) => {
      const answer = await api().call('GET', '/api/v1/namespaces/default/pods', { token });
      expect(answer.code).toBe(401);
      expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 });
    });

    it('answers its health checks', async () => {
      const answers = [await api().get('/livez'), await api().get('/readyz')];
      expect(answers.map(({ code, text }) => ({ code, text }))).toEqual([
        { code: 200, text: 'ok' },
        { code: 200, text: 'ok' },
      ]);
    });

    it('publishes its version and the resources that we use, with verbs and subresources', async () => {
      const version = await api().get('/version');
      expect(version.body).toMatchObject({ major: '1', gitVersion: expect.stringMatching(/^v1\./) });
      const core = await api().get('/api/v1');
      expect(core.body).toMatchObject({ kind: 'APIResourceList', groupVersion: 'v1' });
      const resources = objectsAt(core.body, 'resources');
      const pods = resources.find((resource) => resource['name'] === 'pods');
      expect(pods).toMatchObject({ kind: 'Pod', namespaced: true, shortNames: ['po'] });
      expect(pods?.['verbs']).toEqual(
        expect.arrayContaining(['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']),
      );
      const names = resources.map((resource) => textAt(resource, 'name'));
      for (const name of [
        'pods/status',
        'pods/log',
        'pods/binding',
        'persistentvolumeclaims',
        'events',
        'namespaces',
        'nodes',
      ]) {
        expect(names).toContain(name);
      }
      const groups = await api().get('/apis');
      expect(objectsAt(groups.body, 'groups').map((group) => textAt(group, 'name'))).toContain('storage.k8s.io');
    });

    it('answers 404 with a Status for a resource that does not exist', async () => {
      const answer = await api().get('/api/v1/namespaces/default/teapots');
      expect(answer.code).toBe(404);
      const unknown = await api().get('/apis/no.such.group/v1/things');
      expect(unknown.code).toBe(404);
    });

    it('refuses a method that a resource does not support with 405', async () => {
      const answer = await api().call('PUT', '/api/v1/namespaces/default/pods', { body: {} });
      expect(answer.code).toBe(405);
      expect(answer.body).toMatchObject({ kind: 'Status', reason: 'MethodNotAllowed' });
    });

    it('refuses a media type that it cannot produce with 406', async () => {
      const answer = await api().call('GET', '/api/v1/namespaces/default/pods', { accept: 'text/csv' });
      expect(answer.code).toBe(406);
      expect(answer.body).toMatchObject({ kind: 'Status', reason: 'NotAcceptable' });
    });
  });
}
