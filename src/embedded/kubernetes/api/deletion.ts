/** Deletes objects as the real API does: DeleteOptions, preconditions, grace period, finalizers. */

import type { Clock } from '../../../shared/clock.ts';
import { markDeleted, namespacedDefinitions, type Crud, type Target } from './crud.ts';
import { isJsonObject, sameJson, textAt, type JsonObject, type KubeObject } from './kube-object.ts';
import { storeKeyOf } from './resource-definition.ts';
import { statusError } from './status-error.ts';
import type { Store } from './store.ts';

export interface DeleteOptions {
  gracePeriodSeconds?: number | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  dryRun: boolean;
}

const permanentNamespaces = new Set(['default', 'kube-system']);

/**
 * DeleteOptions from a body, or from the query string where there is none.
 *
 * @throws StatusError 400 when the grace period is not a whole number
 */
export function readDeleteOptions(body: JsonObject, query: URLSearchParams): DeleteOptions {
  const preconditions = isJsonObject(body['preconditions']) ? body['preconditions'] : {};
  // As in the real API, the query string is ignored when there is a body.
  const inQuery = Object.keys(body).length === 0 ? query : new URLSearchParams();
  const grace =
    body['gracePeriodSeconds'] ??
    (inQuery.has('gracePeriodSeconds') ? Number(inQuery.get('gracePeriodSeconds')) : undefined);
  if (grace !== undefined && !Number.isSafeInteger(grace)) {
    throw statusError.badRequest('gracePeriodSeconds must be a whole number of seconds');
  }
  return {
    gracePeriodSeconds: typeof grace === 'number' ? Math.max(grace, 0) : undefined,
    uid: textAt(preconditions, 'uid') || undefined,
    resourceVersion: textAt(preconditions, 'resourceVersion') || undefined,
    dryRun: isDryRun(body['dryRun'], inQuery),
  };
}

/** Whether nothing may be written (`dryRun=All`). Any other value is refused with 422. */
export function isDryRun(inBody: unknown, query: URLSearchParams): boolean {
  const values = [...(Array.isArray(inBody) ? inBody : []), ...query.getAll('dryRun').filter((value) => value !== '')];
  if (values.length === 0) return false;
  if (values.every((value) => value === 'All')) return true;
  throw statusError.unprocessable(
    `dryRun: Unsupported value: ${JSON.stringify(values.slice(0, 3))}: supported values: "All"`,
  );
}

/** Deletes single objects, with grace period, preconditions and finalizers. */
export function createDeletion({ store, crud, clock }: { store: Store; crud: Crud; clock: Clock }) {
  /** Returns the last state of the object, and whether it is gone already. */
  function remove(target: Target, options: DeleteOptions): { object: KubeObject; isGone: boolean } {
    const { definition, name } = target;
    const object = crud.get(target);
    checkPreconditions(target, object, options);
    if (definition.plural === 'namespaces' && permanentNamespaces.has(name)) {
      throw statusError.forbidden(definition, name, 'this namespace may not be deleted');
    }
    const grace = definition.deletionGraceSeconds(object, options.gracePeriodSeconds);
    const hasFinalizers = (object.metadata.finalizers ?? []).length > 0;
    if (grace > 0 || hasFinalizers) {
      const pending = object.metadata.deletionGracePeriodSeconds;
      // The grace period of a running deletion can only become shorter.
      const isShorter = pending === undefined || grace < pending;
      if (object.metadata.deletionTimestamp !== undefined && !isShorter) return { object, isGone: false };
      const marked = markDeleted(object, grace, clock.now());
      if (options.dryRun || sameJson(marked, object)) return { object: marked, isGone: false };
      return { object: store.put(storeKeyOf(definition), marked), isGone: false };
    }
    if (options.dryRun) return { object, isGone: true };
    if (definition.plural === 'namespaces') emptyNamespace(name);
    // A kind that is deleted gracefully gets its deletion timestamp first, so watchers see MODIFIED before DELETED.
    const isMarked = !definition.deletesGracefully || object.metadata.deletionGracePeriodSeconds === 0;
    const last = isMarked ? object : store.put(storeKeyOf(definition), markDeleted(object, 0, clock.now()));
    return { object: store.remove(storeKeyOf(definition), last), isGone: true };
  }

  /** Deletes everything in the namespace at once, because there is no namespace controller. */
  function emptyNamespace(namespace: string): void {
    for (const definition of namespacedDefinitions) {
      const key = storeKeyOf(definition);
      for (const object of store.list(key)) if (object.metadata.namespace === namespace) store.remove(key, object);
    }
  }

  return { remove };
}

function checkPreconditions(target: Target, object: KubeObject, options: DeleteOptions): void {
  const { name } = target;
  // Only in this message does the real API name the kind instead of the resource.
  const definition = { ...target.definition, plural: target.definition.kind };
  if (options.uid !== undefined && options.uid !== object.metadata.uid) {
    throw statusError.conflict(
      definition,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${object.metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== object.metadata.resourceVersion) {
    throw statusError.conflict(
      definition,
      name,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${object.metadata.resourceVersion}). The object might have been modified`,
    );
  }
}
