/** Changes the cluster around a pod for `provoke.ts`, and undoes every change. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import {
  AdmissionregistrationV1Api,
  CoreV1Api,
  PatchStrategy,
  SchedulingV1Api,
  setHeaderOptions,
  StorageV1Api,
  type KubeConfig,
} from '@kubernetes/client-node';

import type { Preparation } from './provocations.ts';

export const namespace = 'opencode-corpus';
export const labels = { 'app.kubernetes.io/managed-by': 'opencode-corpus' };
export const priorityClass = 'opencode-corpus-first';
/** Creating a pod with this label calls the admission webhook that does not answer. */
export const brokenWebhookLabel = { 'opencode-corpus/webhook': 'broken' };

export function createStage(kubeConfig: KubeConfig) {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  const storage = kubeConfig.makeApiClient(StorageV1Api);
  const admission = kubeConfig.makeApiClient(AdmissionregistrationV1Api);
  const scheduling = kubeConfig.makeApiClient(SchedulingV1Api);
  const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  /** The newest change first. */
  const undoing: (() => Promise<unknown>)[] = [];

  async function nodeName(): Promise<string> {
    const name = (await api.listNode()).items[0]?.metadata?.name;
    if (name === undefined) throw new Error('The cluster has no node. Add one.');
    return name;
  }

  async function changeNode(change: { unschedulable?: boolean; taints?: object[] }): Promise<void> {
    const name = await nodeName();
    await api.patchNode({ name, body: { spec: change } }, mergePatch);
    const original = { unschedulable: null, taints: null };
    undoing.unshift(() => api.patchNode({ name, body: { spec: original } }, mergePatch));
  }

  async function quota(hard: Record<string, string>): Promise<void> {
    const name = 'tenant';
    await api.createNamespacedResourceQuota({ namespace, body: { metadata: { name }, spec: { hard } } });
    undoing.unshift(() => api.deleteNamespacedResourceQuota({ namespace, name }));
    // The quota has no effect before its controller has counted once.
    for (let isCounted = false; !isCounted;) {
      const { status } = await api.readNamespacedResourceQuota({ namespace, name });
      isCounted = status?.used !== undefined;
    }
  }

  async function volume(name: string, spec: object): Promise<void> {
    await api.createPersistentVolume({
      body: {
        metadata: { name, labels },
        spec: {
          capacity: { storage: '16Mi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          storageClassName: '',
          claimRef: { namespace, name },
          ...spec,
        },
      },
    });
    undoing.unshift(() => api.deletePersistentVolume({ name }));
  }

  async function storageClass(name: string, provisioner: string, mountOptions: string[]): Promise<void> {
    await storage.createStorageClass({ body: { metadata: { name, labels }, provisioner, mountOptions } });
    undoing.unshift(() => storage.deleteStorageClass({ name }));
  }

  async function provisionerOfDefault(): Promise<string> {
    const { items } = await storage.listStorageClass();
    const isDefault = 'storageclass.kubernetes.io/is-default-class';
    const found = items.find(({ metadata }) => metadata?.annotations?.[isDefault] === 'true');
    if (!found) throw new Error('The cluster has no default storage class. Set one.');
    return found.provisioner;
  }

  /** Acts as the attacher of a driver and reports a failure. */
  async function failToAttach(driver: string): Promise<void> {
    const until = Date.now() + 30_000;
    for (;;) {
      const { items } = await storage.listVolumeAttachment();
      const name = items.find(({ spec }) => spec.attacher === driver)?.metadata?.name;
      if (name !== undefined) {
        const message = 'rpc error: code = ResourceExhausted desc = maximum number of volumes on node reached';
        const body = { status: { attached: false, attachError: { message, time: new Date().toISOString() } } };
        await storage.patchVolumeAttachmentStatus({ name, body }, mergePatch);
        undoing.unshift(() => storage.deleteVolumeAttachment({ name }));
        return;
      }
      if (Date.now() > until)
        throw new Error('No VolumeAttachment appeared. Check that the attach-detach controller runs.');
    }
  }

  return {
    api,
    nodeName,
    changeNode,

    /** Runs before the pod is created. */
    async prepare(preparation: Preparation | undefined, name: string): Promise<void> {
      switch (preparation) {
        case 'taint':
          return changeNode({ taints: [{ key: 'maintenance', value: 'true', effect: 'NoSchedule' }] });
        case 'quota':
          return quota({ pods: '0' });
        case 'claim-quota':
          return quota({ persistentvolumeclaims: '0' });
        case 'silent-provisioner':
          return storageClass('opencode-corpus-silent', 'storage.example.com', []);
        case 'refusing-provisioner':
          return storageClass('opencode-corpus-refusing', await provisionerOfDefault(), ['noatime']);
        case 'volume-elsewhere': {
          const zone = { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['elsewhere-1'] };
          const nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [zone] }] } };
          return volume(name, { hostPath: { path: '/tmp/opencode-corpus' }, nodeAffinity });
        }
        case 'unattachable-volume':
          return volume(name, { csi: { driver: 'disks.example.com', volumeHandle: name } });
        case 'broken-webhook': {
          const webhook = 'broken.opencode-corpus.example.com';
          const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
          await admission.createValidatingWebhookConfiguration({
            body: {
              metadata: { name: webhook, labels },
              webhooks: [
                {
                  name: webhook,
                  rules,
                  clientConfig: { url: 'https://127.0.0.1:9/nobody' },
                  objectSelector: { matchLabels: brokenWebhookLabel },
                  admissionReviewVersions: ['v1'],
                  sideEffects: 'None',
                  failurePolicy: 'Fail',
                  timeoutSeconds: 2,
                },
              ],
            },
          });
          undoing.unshift(() => admission.deleteValidatingWebhookConfiguration({ name: webhook }));
          return undefined;
        }
        case 'bound-to-node':
        case undefined:
      }
    },

    /** Runs while the pod waits. */
    async whileWaiting(preparation: Preparation | undefined): Promise<void> {
      if (preparation === 'unattachable-volume') await failToAttach('disks.example.com');
    },

    async makePriorityClass(): Promise<void> {
      await scheduling.createPriorityClass({ body: { metadata: { name: priorityClass }, value: 1_000 } });
      undoing.unshift(() => scheduling.deletePriorityClass({ name: priorityClass }));
    },

    /** Registers an action that `restore` runs. */
    undoLater(undo: () => Promise<unknown>): void {
      undoing.unshift(undo);
    },

    /** Undoes every change, the newest first. */
    async restore(): Promise<void> {
      for (const undo of undoing.splice(0)) await undo();
    },
  };
}

/**
 * Starts a registry that answers each image with the HTTP status in its tag, such as `v401`, and closes the connection for other tags.
 * @param listen the address from which the node pulls images
 */
export async function startRegistry(listen: { host: string; port: number }): Promise<{ host: string; server: Server }> {
  const server = createServer((request, response) => {
    const status = /\/manifests\/v(\d{3})(?:\?|$)/.exec(request.url ?? '')?.[1];
    if (status === undefined) request.socket.destroy();
    else response.writeHead(Number(status), { 'content-type': 'application/json' }).end('{"errors":[]}');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(listen.port, listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { host: `${listen.host}:${port}`, server };
}
