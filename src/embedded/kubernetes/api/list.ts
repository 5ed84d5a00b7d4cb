/** Lists a collection: selectors, pages and the revision that they show. */

import { z } from 'zod';

import type { JsonObject, KubeObject } from './kube-object.ts';
import { apiVersionOf, storeKeyOf, type ResourceDefinition } from './resource-definition.ts';
import { parseFieldSelector, parseLabelSelector, type Matcher } from './selectors.ts';
import { statusError } from './status-error.ts';
import { keyOf, type Store } from './store.ts';

export interface Page {
  objects: KubeObject[];
  /** Metadata of the list: its revision, and the continue token. */
  metadata: JsonObject;
}

const continueToken = z.object({ revision: z.int(), after: z.string() });

/** Matches the objects in the namespace that the label and field selectors of a request select. */
export function matcherOf(
  definition: ResourceDefinition,
  namespace: string | undefined,
  query: URLSearchParams,
): Matcher {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const matchers: Matcher[] = [];
  if (namespace !== undefined) matchers.push((object) => object.metadata.namespace === namespace);
  if (labels !== '') matchers.push(parseLabelSelector(labels));
  if (fields !== '') matchers.push(parseFieldSelector(fields, definition));
  return (object) => matchers.every((matcher) => matcher(object));
}

/**
 * One page of a list. All pages of one list show the same revision, however much changes in between.
 *
 * @throws StatusError 410 when the changes since that revision are forgotten, 400 for a bad limit, token or selector,
 *   422 for options of watches
 */
export function listPage(
  store: Store,
  definition: ResourceDefinition,
  namespace: string | undefined,
  query: URLSearchParams,
): Page {
  const matches = matcherOf(definition, namespace, query);
  if (query.has('sendInitialEvents')) {
    throw statusError.unprocessable(
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
    );
  }
  const limit = readLimit(query);
  const from = readToken(query.get('continue') ?? '');
  const revision = from?.revision ?? readExactRevision(store, query) ?? store.revision();
  const all = store.listAt(storeKeyOf(definition), revision);
  if (all === 'forgotten') {
    throw statusError.expired(
      from === undefined
        ? `The resourceVersion for the provided list is too old: ${revision}`
        : 'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
    );
  }
  const matching = all.filter(matches);
  const rest = from === undefined ? matching : matching.filter((object) => keyOfObject(object) > from.after);
  const objects = limit === undefined ? rest : rest.slice(0, limit);
  const last = objects.at(-1);
  const metadata: JsonObject = { resourceVersion: `${revision}` };
  if (last !== undefined && objects.length < rest.length) {
    metadata['continue'] = Buffer.from(JSON.stringify({ revision, after: keyOfObject(last) })).toString('base64url');
    if (!query.get('labelSelector') && !query.get('fieldSelector')) {
      metadata['remainingItemCount'] = rest.length - objects.length;
    }
  }
  return { objects, metadata };
}

/** A list as it is sent. */
export function listBody(definition: ResourceDefinition, page: Page): JsonObject {
  return {
    kind: `${definition.kind}List`,
    apiVersion: apiVersionOf(definition),
    metadata: page.metadata,
    // As in the real API, the items have no kind and apiVersion.
    items: page.objects.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
  };
}

/** The key by which the store sorts, so that a page continues exactly where the page before ended. */
function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

function readLimit(query: URLSearchParams): number | undefined {
  const text = query.get('limit') ?? '';
  if (text === '') return undefined;
  const limit = Number(text);
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw statusError.badRequest('limit must be a whole number, 0 or more');
  return limit === 0 ? undefined : limit;
}

function readToken(text: string): { revision: number; after: string } | undefined {
  if (text === '') return undefined;
  try {
    return continueToken.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw statusError.badRequest('continue key is not valid');
  }
}

/** The revision that `resourceVersionMatch=Exact` requires. Without it, a newer list than requested is correct. */
function readExactRevision(store: Store, query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '' || text === '0') return undefined;
  const revision = readRevision(text);
  if (revision > store.revision()) throw statusError.tooNewRevision(text, store.revision());
  return query.get('resourceVersionMatch') === 'Exact' ? revision : undefined;
}

/** @throws StatusError 400 when a resourceVersion is not a number */
export function readRevision(text: string): number {
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision)) {
    throw statusError.badRequest(`invalid resource version ${JSON.stringify(text.slice(0, 100))}: must be a number`);
  }
  return revision;
}
