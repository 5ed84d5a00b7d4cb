import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, type JsonObject } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import type { Answer, ContractApi } from '../contract-api.ts';
import { claimManifest, podManifest, smallPod } from '../manifests.ts';

const fieldsOf = (answer: Answer): string[] =>
  objectsAt(answer.body, 'details', 'causes').map((cause) => `${textAt(cause, 'field')} ${textAt(cause, 'reason')}`);

export function describeValidation(api: () => ContractApi): void {
  describe('invalid input', () => {
    const refused = async (manifest: JsonObject): Promise<Answer> => {
      const { pods } = await api().newNamespace();
      return await api().post(pods, manifest);
    };
    const withContainer = (container: JsonObject, rest: JsonObject = {}): JsonObject => ({
      ...smallPod('pod'),
      spec: { containers: [{ name: 'main', image: 'a:1', ...container }], ...rest },
    });

    it('is refused with one 422 that names every wrong field of a pod', async () => {
      const manifest = podManifest('pod', { claim: 'workspace' });
      const [first, , third] = objectsAt(manifest, 'spec', 'containers');
      if (first === undefined || third === undefined) throw new Error('The manifest lacks containers.');
      first['image'] = '';
      first['ports'] = [{ containerPort: 70_000 }];
      third['volumeMounts'] = [{ name: 'nope', mountPath: '/workspace' }];
      const answer = await refused(manifest);
      expect(answer.code).toBe(422);
      expect(answer.body).toMatchObject({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'Invalid',
        message:
          'Pod "pod" is invalid: [spec.containers[0].image: Required value, spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive, spec.containers[2].volumeMounts[0].name: Not found: "nope"]',
        details: {
          name: 'pod',
          kind: 'Pod',
          causes: [
            { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.containers[0].image' },
            {
              reason: 'FieldValueInvalid',
              message: 'Invalid value: 70000: must be between 1 and 65535, inclusive',
              field: 'spec.containers[0].ports[0].containerPort',
            },
            {
              reason: 'FieldValueNotFound',
              message: 'Not found: "nope"',
              field: 'spec.containers[2].volumeMounts[0].name',
            },
          ],
        },
        code: 422,
      });
    });

    it.each<[string, JsonObject, string]>([
      [
        'a pod without containers',
        { ...smallPod('pod'), spec: { containers: [] } },
        'spec.containers FieldValueRequired',
      ],
      ['a pod whose name is not a DNS name', smallPod('Not_A_Name'), 'metadata.name FieldValueInvalid'],
      ['a pod without a name', { ...smallPod(''), metadata: {} }, 'metadata.name FieldValueRequired'],
      ['an invalid label', smallPod('pod', { app: 'not a label!' }), 'metadata.labels FieldValueInvalid'],
      ['a container name with capitals', withContainer({ name: 'Main' }), 'spec.containers[0].name FieldValueInvalid'],
      [
        'a request above its limit',
        withContainer({ resources: { limits: { memory: '1Gi' }, requests: { memory: '2Gi' } } }),
        'spec.containers[0].resources.requests FieldValueInvalid',
      ],
      [
        'an unknown restart policy',
        withContainer({}, { restartPolicy: 'Sometimes' }),
        'spec.restartPolicy FieldValueNotSupported',
      ],
      [
        'a probe without a handler',
        withContainer({ livenessProbe: { periodSeconds: 5 } }),
        'spec.containers[0].livenessProbe FieldValueRequired',
      ],
      [
        'a liveness probe with a success threshold of 2',
        withContainer({ livenessProbe: { httpGet: { port: 80 }, successThreshold: 2 } }),
        'spec.containers[0].livenessProbe.successThreshold FieldValueInvalid',
      ],
      [
        'two volumes with the same name',
        withContainer({}, { volumes: [{ name: 'v' }, { name: 'v' }] }),
        'spec.volumes[1].name FieldValueDuplicate',
      ],
    ])('such as %s is refused with 422 and the field', async (_what, manifest, field) => {
      const answer = await refused(manifest);
      expect(answer.code).toBe(422);
      expect(answer.body['reason']).toBe('Invalid');
      expect(fieldsOf(answer)).toContain(field);
    });

    it('names both fields for a claim without size and access mode', async () => {
      const { claims } = await api().newNamespace();
      const answer = await api().post(claims, { ...claimManifest('claim'), spec: {} });
      expect(answer.code).toBe(422);
      expect(fieldsOf(answer)).toEqual(
        expect.arrayContaining(['spec.accessModes FieldValueRequired', 'spec.resources[storage] FieldValueRequired']),
      );
    });

    it.each<[string, string]>([
      ['text that is not JSON', '{"kind":"Pod"'],
      ['a list', '[]'],
      ['another kind', JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } })],
      ['a field of the wrong type', JSON.stringify({ ...smallPod('pod'), spec: { containers: 'main' } })],
      ['an invalid quantity', JSON.stringify(withContainer({ resources: { limits: { cpu: 'plenty' } } }))],
      ['a label that is a number', JSON.stringify({ ...smallPod('pod'), metadata: { name: 'pod', labels: { a: 1 } } })],
    ])('such as %s is refused with 400 BadRequest', async (_what, rawBody) => {
      const { pods } = await api().newNamespace();
      const answer = await api().call('POST', pods, { rawBody });
      expect(answer.code).toBe(400);
      expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'BadRequest', code: 400 });
    });

    it('is refused with 400 when the namespace of the body is not the one of the path', async () => {
      const { pods } = await api().newNamespace();
      const answer = await api().post(pods, { ...smallPod('pod'), metadata: { name: 'pod', namespace: 'other' } });
      expect(answer.code).toBe(400);
    });

    it('is refused with 413 when the body is larger than 3 MiB', async () => {
      const { pods } = await api().newNamespace();
      const rawBody = JSON.stringify({ ...smallPod('pod'), padding: 'x'.repeat(3 * 1024 * 1024) });
      const answer = await api().call('POST', pods, { rawBody });
      expect(answer.code).toBe(413);
      expect(answer.body).toMatchObject({ reason: 'RequestEntityTooLarge' });
    });

    it('with hostile bodies does not stop the API', async () => {
      const { pods } = await api().newNamespace();
      const bodies = [
        '{"__proto__":{"polluted":true}}',
        '['.repeat(100_000),
        `{"metadata":${'{"a":'.repeat(50_000)}`,
        '"\\ud800"',
        'null',
      ];
      for (const rawBody of bodies) {
        const answer = await api().call('POST', pods, { rawBody });
        expect(answer.code).toBeGreaterThanOrEqual(400);
        expect(answer.code).toBeLessThan(500);
      }
      expect((await api().get(pods)).code).toBe(200);
    });
  });
}
