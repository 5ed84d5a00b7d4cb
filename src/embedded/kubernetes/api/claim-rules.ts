/** Defaults and rules for persistent volume claims. */

import { fieldError, type FieldError } from './field-error.ts';
import { isJsonObject, listAt, sameJson, textAt, valueAt, type KubeObject } from './kube-object.ts';
import { parseQuantity } from './quantity.ts';
import type { RuleContext } from './resource-definition.ts';

/** The finalizer that keeps a claim while a pod uses it. */
export const claimProtection = 'kubernetes.io/pvc-protection';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

export function setClaimDefaults(claim: KubeObject, { defaultStorageClass }: RuleContext): void {
  const spec = isJsonObject(claim['spec']) ? claim['spec'] : {};
  claim['spec'] = spec;
  spec['volumeMode'] ??= 'Filesystem';
  if (spec['storageClassName'] === undefined && defaultStorageClass !== undefined) {
    spec['storageClassName'] = defaultStorageClass;
  }
  claim['status'] = { phase: 'Pending' };
  const finalizers = claim.metadata.finalizers ?? [];
  claim.metadata.finalizers = finalizers.includes(claimProtection) ? finalizers : [...finalizers, claimProtection];
}

export function validateClaim(claim: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const modes = listAt(claim, 'spec', 'accessModes');
  if (modes.length === 0) errors.push(fieldError.required('spec.accessModes', 'at least 1 access mode is required'));
  for (const mode of modes) {
    if (typeof mode !== 'string' || !accessModes.includes(mode)) {
      errors.push(fieldError.notSupported('spec.accessModes', mode, accessModes));
    }
  }
  const storage = valueAt(claim, 'spec', 'resources', 'requests', 'storage');
  const amount = parseQuantity(storage);
  if (storage === undefined) errors.push(fieldError.required('spec.resources[storage]'));
  else if (amount !== undefined && amount <= 0) {
    errors.push(fieldError.invalid('spec.resources[storage]', storage, 'must be greater than zero'));
  }
  return errors;
}

/** A claim may get its volume once and may grow; nothing else of its spec changes. */
export function validateClaimUpdate(next: KubeObject, previous: KubeObject): FieldError[] {
  const before = isJsonObject(previous['spec']) ? previous['spec'] : {};
  const after = isJsonObject(next['spec']) ? next['spec'] : {};
  const grown = parseQuantity(valueAt(after, 'resources', 'requests', 'storage')) ?? 0;
  const had = parseQuantity(valueAt(before, 'resources', 'requests', 'storage')) ?? 0;
  const fixedAfter = { ...after, resources: before['resources'] };
  if (textAt(before, 'volumeName') === '') delete (fixedAfter as { volumeName?: string }).volumeName;
  if (!sameJson(fixedAfter, before)) {
    return [
      fieldError.forbidden('spec', 'spec is immutable after creation except resources.requests for bound claims'),
    ];
  }
  if (grown < had) {
    return [fieldError.forbidden('spec.resources.requests.storage', 'field can not be less than previous value')];
  }
  if (grown > had && textAt(previous, 'status', 'phase') !== 'Bound') {
    return [
      fieldError.forbidden('spec', 'spec is immutable after creation except resources.requests for bound claims'),
    ];
  }
  return [];
}
