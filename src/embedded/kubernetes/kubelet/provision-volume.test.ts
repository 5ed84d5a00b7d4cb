import { describe, expect, it } from 'vitest';

import type { JsonObject, KubeObject } from '../api/kube-object.ts';
import { decideBinding, defaultStorageClass } from './provision-volume.ts';

const metadata = { name: 'workspace', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const claim = (spec: JsonObject, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { ...metadata, annotations },
  spec,
});
const storageClass = (fields: JsonObject = {}): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  ...defaultStorageClass,
  ...fields,
  metadata: { ...metadata, name: 'standard' },
});
const standard = { storageClassName: 'standard' };

describe('an unbound claim', () => {
  it('gets a volume of its storage class', () => {
    expect(decideBinding(claim(standard), storageClass()).kind).toBe('provision');
  });

  it('has an event with the reason when its class is not set or does not exist', () => {
    expect(decideBinding(claim({}), undefined)).toMatchObject({ kind: 'report', reason: 'FailedBinding' });
    expect(decideBinding(claim(standard), undefined)).toMatchObject({
      reason: 'ProvisioningFailed',
      message: 'storageclass.storage.k8s.io "standard" not found',
    });
  });

  it('waits for the provisioner of another class', () => {
    expect(decideBinding(claim(standard), storageClass({ provisioner: 'example.com/disk' }))).toEqual({ kind: 'wait' });
  });

  it('waits for a node when its class binds for the first consumer', () => {
    const lateBinding = storageClass({ volumeBindingMode: 'WaitForFirstConsumer' });
    expect(decideBinding(claim(standard), lateBinding)).toMatchObject({ reason: 'WaitForFirstConsumer' });
    const selected = claim(standard, { 'volume.kubernetes.io/selected-node': 'embedded' });
    expect(decideBinding(selected, lateBinding).kind).toBe('provision');
  });
});
