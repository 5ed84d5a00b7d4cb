/** Creates, reads, replaces and patches single objects by the rules of their kind. */

import type { Clock } from '../../../shared/clock.ts';
import {
  isJsonObject,
  kubeTime,
  sameJson,
  textAt,
  withoutNulls,
  type Json,
  type JsonObject,
  type KubeObject,
} from './kube-object.ts';
import { keepServerMetadata, newObject, validateMetadata } from './object-meta.ts';
import { applyPatch } from './patch.ts';
import { apiVersionOf, storeKeyOf, type ResourceDefinition } from './resource-definition.ts';
import { definitionOf, resourceDefinitions } from './resources.ts';
import { statusError } from './status-error.ts';
import type { Store } from './store.ts';

export interface Target {
  definition: ResourceDefinition;
  namespace: string | undefined;
  name: string;
}

/** Why a pod is refused; undefined when it is admitted. */
export type Admit = (pod: KubeObject) => string | undefined;

export type Crud = ReturnType<typeof createCrud>;

/**
 * Reads and changes single objects. Each function is synchronous from its read to its write, so no request sees another
 * one half done. Each refuses by throwing a StatusError.
 */
export function createCrud(deps: { store: Store; clock: Clock; admit?: Admit | undefined }) {
  const { store, clock, admit } = deps;
  const namespaces = definitionOf('namespaces');

  function get({ definition, namespace, name }: Target): KubeObject {
    const found = store.get(storeKeyOf(definition), namespace, name);
    if (found === undefined) throw statusError.notFound(definition, name);
    return found;
  }

  function defaultStorageClass(): string | undefined {
    return store
      .list(storeKeyOf(definitionOf('storageclasses')))
      .find((item) => item.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true')?.metadata
      .name;
  }

  function create(target: Omit<Target, 'name'>, body: Json, { dryRun }: { dryRun: boolean }): KubeObject {
    const { definition, namespace } = target;
    const object = newObject(definition, accept(definition, body), { namespace, nowMs: clock.now() });
    if (definition.namespaced) refuseMissingNamespace(namespace ?? '');
    definition.setDefaults(object, { nowMs: clock.now(), defaultStorageClass: defaultStorageClass() });
    const errors = [...validateMetadata(definition, object), ...definition.validate(object)];
    if (errors.length > 0) throw statusError.invalid(definition, object.metadata.name, errors);
    if (store.get(storeKeyOf(definition), namespace, object.metadata.name) !== undefined) {
      throw statusError.alreadyExists(definition, object.metadata.name);
    }
    const refusal = definition.kind === 'Pod' ? admit?.(object) : undefined;
    if (refusal !== undefined) throw statusError.forbidden(definition, object.metadata.name, refusal);
    return dryRun ? object : store.put(storeKeyOf(definition), object);
  }

  function refuseMissingNamespace(name: string): void {
    if (store.get(storeKeyOf(namespaces), undefined, name) === undefined) throw statusError.notFound(namespaces, name);
  }

  /** Replaces an object, or only its status, unless it has changed since the caller read it. */
  function replace(
    target: Target,
    body: Json,
    options: { dryRun: boolean; subresource?: 'status' | undefined },
  ): KubeObject {
    const { definition, name } = target;
    const next = accept(definition, body);
    const given = isJsonObject(next['metadata']) ? next['metadata'] : {};
    if (given['name'] !== undefined && given['name'] !== name) {
      throw statusError.badRequest(
        `the name of the object (${textAt(given, 'name')}) does not match the name on the URL (${name})`,
      );
    }
    const uid = textAt(given, 'uid');
    const current = get(target);
    if (uid !== '' && uid !== current.metadata.uid) {
      throw statusError.conflict(
        definition,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
      );
    }
    return write(target, next, options);
  }

  function patch(
    target: Target,
    change: { contentType: string; body: Json },
    options: { dryRun: boolean; subresource?: 'status' | undefined },
  ): KubeObject {
    const current = get(target);
    const patched = applyPatch(current, change.contentType, change.body);
    return write(target, accept(target.definition, patched), options);
  }

  function write(
    target: Target,
    given: JsonObject,
    { dryRun, subresource }: { dryRun: boolean; subresource?: 'status' | undefined },
  ): KubeObject {
    const { definition, name } = target;
    const previous = get(target);
    const metadata = isJsonObject(given['metadata']) ? given['metadata'] : {};
    const expected = metadata['resourceVersion'];
    if (typeof expected === 'string' && expected !== '' && expected !== previous.metadata.resourceVersion) {
      throw statusError.conflict(
        definition,
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    }
    const next = merged(definition, given, previous, subresource);
    const errors = keepServerMetadata(next, previous);
    errors.push(...validateMetadata(definition, next));
    if (subresource === undefined) {
      errors.push(...definition.validate(next), ...definition.validateUpdate(next, previous));
    }
    if (errors.length > 0) throw statusError.invalid(definition, name, errors);
    if (definition.hasGeneration && !sameJson(next['spec'], previous['spec'])) {
      next.metadata.generation = (previous.metadata.generation ?? 0) + 1;
    }
    next.metadata.resourceVersion = previous.metadata.resourceVersion;
    // As in the real API, a write that changes nothing makes no new version and no watch event.
    if (sameJson(next, previous)) return previous;
    if (dryRun) return next;
    const key = storeKeyOf(definition);
    const isFinished =
      next.metadata.deletionTimestamp !== undefined &&
      (next.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
      (next.metadata.finalizers ?? []).length === 0;
    return isFinished ? store.remove(key, next) : store.put(key, next);
  }

  return { get, create, replace, patch };
}

/** Refuses a body of another kind, or with fields of wrong types. Returns a deep copy without nulls. */
function accept(definition: ResourceDefinition, body: Json): JsonObject {
  if (!isJsonObject(body)) throw statusError.badRequest('the body of the request must be a JSON object');
  const expected = apiVersionOf(definition);
  if (
    (body['kind'] !== undefined && body['kind'] !== definition.kind) ||
    (body['apiVersion'] !== undefined && body['apiVersion'] !== expected)
  ) {
    throw statusError.badRequest(
      `the object provided is unrecognized (must be of type ${definition.kind}): the API version in the data (${textAt(body, 'apiVersion').slice(0, 100)}) and kind (${textAt(body, 'kind').slice(0, 100)}) do not match ${expected}, ${definition.kind}`,
    );
  }
  const clean = withoutNulls(body);
  const problem = definition.checkShape(clean);
  if (problem !== undefined) {
    throw statusError.badRequest(
      `${definition.kind} in version "${definition.version}" cannot be handled as a ${definition.kind}: ${problem}`,
    );
  }
  return clean;
}

/** The object after a write. Only the status subresource writes the status, and it writes nothing else. */
function merged(
  definition: ResourceDefinition,
  given: JsonObject,
  previous: KubeObject,
  subresource: 'status' | undefined,
): KubeObject {
  const metadata = isJsonObject(given['metadata']) ? given['metadata'] : {};
  const base = { apiVersion: apiVersionOf(definition), kind: definition.kind };
  // The casts hold after keepServerMetadata, which adds what a client may leave out of the metadata.
  if (subresource === 'status') {
    return { ...previous, ...base, metadata: { ...metadata } as KubeObject['metadata'], status: given['status'] };
  }
  const hasStatus = definition.subresources.includes('status');
  return {
    ...given,
    ...base,
    metadata: { ...metadata } as KubeObject['metadata'],
    ...(hasStatus ? { status: previous['status'] } : {}),
  };
}

/** The object with a deletion timestamp and grace period. A kubelet or a finalizer's owner finishes the deletion. */
export function markDeleted(object: KubeObject, graceSeconds: number, nowMs: number): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: kubeTime(nowMs + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
      ...(object.metadata.generation === undefined ? {} : { generation: object.metadata.generation + 1 }),
    },
  };
}

/** The kinds that are in namespaces. */
export const namespacedDefinitions = resourceDefinitions.filter((definition) => definition.namespaced);
