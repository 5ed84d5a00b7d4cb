import { describe, expect, it } from 'vitest';

import { listAt, objectsAt, textAt, valueAt } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { nameOf, revisionOf, type ContractApi } from '../contract-api.ts';
import { claimManifest, podManifest, smallPod } from '../manifests.ts';

export function describeObjects(api: () => ContractApi): void {
  describe('creating and reading objects', () => {
    it('sets the defaults of a new pod', async () => {
      const { pods, name: namespace } = await api().newNamespace();
      const { code, body: pod } = await api().post(pods, podManifest('pod'));
      expect(code).toBe(201);
      expect(pod).toMatchObject({
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: {
          name: 'pod',
          namespace,
          uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
          resourceVersion: expect.stringMatching(/^\d+$/),
          creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
        spec: {
          restartPolicy: 'Always',
          terminationGracePeriodSeconds: 30,
          dnsPolicy: 'ClusterFirst',
          schedulerName: 'default-scheduler',
          enableServiceLinks: true,
        },
        status: { phase: 'Pending', qosClass: 'Burstable' },
      });
      const [container] = objectsAt(pod, 'spec', 'containers');
      expect(container).toMatchObject({
        imagePullPolicy: 'IfNotPresent',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        ports: [{ containerPort: 3000, protocol: 'TCP' }],
        readinessProbe: {
          httpGet: { path: '/health', port: 3000, scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 1,
          successThreshold: 1,
          failureThreshold: 3,
        },
      });
      expect(listAt(pod, 'spec', 'tolerations')).toHaveLength(2);
      expect((await api().get(`${pods}/pod`)).body).toEqual(pod);
    });

    it('sets the pull policy by the tag of the image', async () => {
      const { pods } = await api().newNamespace();
      const images = ['app', 'app:latest', 'app:v1', 'host:5000/app', `app@sha256:${'0'.repeat(64)}`];
      const containers = images.map((image, index) => ({ name: `c${index}`, image }));
      const pod = await api().post(pods, { ...smallPod('pod'), spec: { containers } });
      expect(objectsAt(pod.body, 'spec', 'containers').map((item) => item['imagePullPolicy'])).toEqual([
        'Always',
        'Always',
        'IfNotPresent',
        'Always',
        'IfNotPresent',
      ]);
    });

    it('sets the QoS class by requests and limits', async () => {
      const { pods } = await api().newNamespace();
      const classOf = async (name: string, resources: Record<string, Record<string, string>>): Promise<string> => {
        const pod = await api().post(pods, {
          ...smallPod(name),
          spec: { containers: [{ name: 'c', image: 'a:1', resources }] },
        });
        return textAt(pod.body, 'status', 'qosClass');
      };
      expect(await classOf('best-effort', {})).toBe('BestEffort');
      expect(await classOf('burstable', { requests: { cpu: '100m' } })).toBe('Burstable');
      expect(await classOf('guaranteed', { limits: { cpu: '100m', memory: '1Gi' } })).toBe('Guaranteed');
    });

    it('ignores uid, creation time and status in the request', async () => {
      const { pods } = await api().newNamespace();
      const manifest = smallPod('pod');
      const { body } = await api().post(pods, {
        ...manifest,
        metadata: { name: 'pod', uid: '11111111-1111-1111-1111-111111111111', creationTimestamp: null },
        status: { phase: 'Running' },
      });
      expect(textAt(body, 'metadata', 'uid')).not.toContain('11111111-1111');
      expect(textAt(body, 'status', 'phase')).toBe('Pending');
    });

    it('makes unique names from generateName', async () => {
      const { pods } = await api().newNamespace();
      const manifest = { ...smallPod(''), metadata: { generateName: 'job-' } };
      const names = [await api().post(pods, manifest), await api().post(pods, manifest)].map(({ body }) =>
        nameOf(body),
      );
      expect(names).toEqual([expect.stringMatching(/^job-[a-z0-9]{5}$/), expect.stringMatching(/^job-[a-z0-9]{5}$/)]);
      expect(names[0]).not.toBe(names[1]);
    });

    it('sets the defaults of a new claim and adds the protection finalizer', async () => {
      const { claims } = await api().newNamespace();
      const { code, body } = await api().post(claims, claimManifest('workspace'));
      expect(code).toBe(201);
      expect(body).toMatchObject({
        kind: 'PersistentVolumeClaim',
        metadata: { finalizers: ['kubernetes.io/pvc-protection'] },
        spec: { volumeMode: 'Filesystem', accessModes: ['ReadWriteOnce'] },
        status: { phase: 'Pending' },
      });
    });

    it('refuses a second object of the same name with 409 AlreadyExists', async () => {
      const { pods } = await api().newNamespace();
      await api().post(pods, smallPod('pod'));
      const { code, body } = await api().post(pods, smallPod('pod'));
      expect(code).toBe(409);
      expect(body).toMatchObject({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        message: 'pods "pod" already exists',
        reason: 'AlreadyExists',
        details: { name: 'pod', kind: 'pods' },
        code: 409,
      });
    });

    it('answers 404 for an object or a namespace that does not exist', async () => {
      const { pods } = await api().newNamespace();
      const missing = await api().get(`${pods}/nobody`);
      expect(missing.code).toBe(404);
      expect(missing.body).toMatchObject({
        kind: 'Status',
        message: 'pods "nobody" not found',
        reason: 'NotFound',
        details: { name: 'nobody', kind: 'pods' },
        code: 404,
      });
      const nowhere = await api().post('/api/v1/namespaces/no-such-namespace/pods', smallPod('pod'));
      expect(nowhere.code).toBe(404);
      expect(nowhere.body).toMatchObject({
        message: 'namespaces "no-such-namespace" not found',
        reason: 'NotFound',
        details: { name: 'no-such-namespace', kind: 'namespaces' },
      });
    });

    it('gives each write a higher resourceVersion, across all kinds', async () => {
      const { pods, claims } = await api().newNamespace();
      const revisions = [
        await api().post(pods, smallPod('a')),
        await api().post(claims, claimManifest('b')),
        await api().post(pods, smallPod('c')),
      ].map(({ body }) => Number(revisionOf(body)));
      expect(revisions).toEqual(revisions.toSorted((left, right) => left - right));
      expect(new Set(revisions).size).toBe(3);
    });

    it('writes nothing with dryRun=All', async () => {
      const { pods } = await api().newNamespace();
      const answer = await api().post(pods, smallPod('pod'), { dryRun: 'All' });
      expect(answer.code).toBe(201);
      expect(valueAt(answer.body, 'spec', 'restartPolicy')).toBe('Always');
      expect((await api().get(`${pods}/pod`)).code).toBe(404);
      expect((await api().post(pods, smallPod('pod'), { dryRun: 'Some' })).code).toBe(422);
    });

    it('stores events about an object of the same namespace, and refuses others with 422', async () => {
      const { events, name: namespace } = await api().newNamespace();
      const involvedObject = { kind: 'Pod', namespace, name: 'pod', uid: 'u-1' };
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'pod.1' },
        involvedObject,
        reason: 'Pulled',
        message: 'done',
        type: 'Normal',
        count: 1,
      };
      expect((await api().post(events, event)).code).toBe(201);
      const foreign = {
        ...event,
        metadata: { name: 'pod.2' },
        involvedObject: { ...involvedObject, namespace: 'elsewhere' },
      };
      expect((await api().post(events, foreign)).code).toBe(422);
    });
  });
}
