/** Defaults and rules for persistent volume claims. */

import { fieldError, type FieldError } from './field-error.ts';
import { isJsonObject, listAt, sameJson, textAt, valueAt, type Json, type KubeObject } from './kube-object.ts';
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

const sizeAt = (object: Json | undefined, ...path: string[]): number =>
  parseQuantity(valueAt(object, ...path, 'storage')) ?? 0;

const immutable =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

/**
 * A claim gets its volume once. The request of a bound claim may grow. It may shrink again after a failed expansion, but must
 * stay above the capacity (RecoverVolumeExpansionFailure, on by default since Kubernetes 1.32). Nothing else of the spec
 * may change.
 */
export function validateClaimUpdate(next: KubeObject, previous: KubeObject): FieldError[] {
  const before = isJsonObject(previous['spec']) ? previous['spec'] : {};
  const after = isJsonObject(next['spec']) ? next['spec'] : {};
  const isBound = textAt(previous, 'status', 'phase') === 'Bound';
  const fixed = { ...after, ...(isBound ? { resources: before['resources'] } : {}) };
  if (textAt(before, 'volumeName') === '') delete (fixed as { volumeName?: string }).volumeName;
  const errors: FieldError[] = [];
  if (!sameJson(fixed, before)) errors.push(fieldError.forbidden('spec', immutable));
  const requested = sizeAt(after, 'resources', 'requests');
  const capacity = sizeAt(previous, 'status', 'capacity');
  if (requested < sizeAt(before, 'resources', 'requests') && requested <= capacity) {
    const detail = 'field can not be less than status.capacity';
    errors.push(fieldError.forbidden('spec.resources.requests.storage', detail));
  }
  return errors;
}
