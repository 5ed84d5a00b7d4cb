/** What `provoke.ts` makes of the cluster around a pod, and how it puts everything back. */

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
/** Pods that bear it meet the webhook that nobody answers. */
export const brokenWebhookLabel = { 'opencode-corpus/webhook': 'broken' };

export type Stage = ReturnType<typeof createStage>;

export function createStage(kubeConfig: KubeConfig) {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  const storage = kubeConfig.makeApiClient(StorageV1Api);
  const admission = kubeConfig.makeApiClient(AdmissionregistrationV1Api);
  const scheduling = kubeConfig.makeApiClient(SchedulingV1Api);
  const mergePatch = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  /** In the order in which it is undone. */
  const undoing: (() => Promise<unknown>)[] = [];

  async function nodeName(): Promise<string> {
    const name = (await api.listNode()).items[0]?.metadata?.name;
    if (name === undefined) throw new Error('The cluster has no node. Add one.');
    return name;
  }

  async function changeNode(change: { unschedulable?: boolean; taints?: object[] }): Promise<void> {
    const name = await nodeName();
    await api.patchNode({ name, body: { spec: change } }, mergePatch);
    const back = { unschedulable: null, taints: null };
    undoing.unshift(() => api.patchNode({ name, body: { spec: back } }, mergePatch));
  }

  async function quota(hard: Record<string, string>): Promise<void> {
    const name = 'tenant';
    await api.createNamespacedResourceQuota({ namespace, body: { metadata: { name }, spec: { hard } } });
    undoing.unshift(() => api.deleteNamespacedResourceQuota({ namespace, name }));
    // Until its controller has counted once it limits nothing that it names.
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

  /** The attacher of this driver, which has only failures to report. */
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
      if (Date.now() > until) throw new Error('No VolumeAttachment came. The attach-detach controller must run.');
    }
  }

  return {
    api,
    nodeName,
    changeNode,

    /** Before the pod is made. */
    async prepare(what: Preparation | undefined, name: string): Promise<void> {
      switch (what) {
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

    /** What must happen while the pod is waiting. */
    async accompany(what: Preparation | undefined): Promise<void> {
      if (what === 'unattachable-volume') await failToAttach('disks.example.com');
    },

    async makePriorityClass(): Promise<void> {
      await scheduling.createPriorityClass({ body: { metadata: { name: priorityClass }, value: 1_000 } });
      undoing.unshift(() => scheduling.deletePriorityClass({ name: priorityClass }));
    },

    /** To be undone with everything else. */
    afterwards(undo: () => Promise<unknown>): void {
      undoing.unshift(undo);
    },

    /** Puts back whatever was changed, the last first. */
    async putBack(): Promise<void> {
      for (const undo of undoing.splice(0)) await undo();
    },
  };
}

/**
 * Answers every image by the status that its tag names, as in `v401`, and cuts off who asks for another. `listen`: where the
 * node looks for images, which is this machine for a node that is this machine.
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
