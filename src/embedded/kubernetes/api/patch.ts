/** Applies the three kinds of patch: JSON patch, merge patch and strategic merge patch. */

import { isJsonObject, sameJson, type Json, type JsonObject } from './kube-object.ts';
import { statusError } from './status-error.ts';

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

/**
 * Returns the patched object. The given object is not changed.
 *
 * @throws StatusError 415 for an unknown kind of patch, 400 for a body that is not a patch, 422 when it cannot be applied
 */
export function applyPatch(object: JsonObject, contentType: string, patch: Json): JsonObject {
  if (contentType === patchTypes.json) {
    if (!Array.isArray(patch)) throw statusError.badRequest('a JSON patch must be a list of operations');
    if (patch.length > 10_000) {
      throw statusError.badRequest('The allowed maximum operations in a JSON patch is 10000');
    }
    return applyJsonPatch(object, patch);
  }
  if (contentType !== patchTypes.merge && contentType !== patchTypes.strategic) {
    throw statusError.unsupportedMediaType(Object.values(patchTypes));
  }
  if (!isJsonObject(patch)) throw statusError.badRequest('a merge patch must be an object');
  const merged = contentType === patchTypes.merge ? mergeObjects(object, patch) : mergeStrategically(object, patch);
  return isJsonObject(merged) ? merged : {};
}

/** A merge patch (RFC 7386). */
function mergeObjects(target: Json | undefined, patch: JsonObject): JsonObject {
  const merged: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isJsonObject(value) ? mergeObjects(merged[key], value) : value;
  }
  return merged;
}

/** The keys by which Kubernetes merges the lists of the kinds here. Other lists are replaced. */
const mergeKeys: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  containerStatuses: '',
  volumes: 'name',
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
  conditions: 'type',
  addresses: 'type',
  imagePullSecrets: 'name',
  ownerReferences: 'uid',
  podIPs: 'ip',
};

/** Lists of plain values that are joined instead of replaced. */
const joinedLists = new Set(['finalizers']);

function mergeStrategically(target: Json | undefined, patch: JsonObject): Json {
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  if (patch['$patch'] === 'delete') return {};
  const merged: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$setElementOrder/') || key.startsWith('$retainKeys')) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const list = key.slice('$deleteFromPrimitiveList/'.length);
      const removed = Array.isArray(value) ? value : [];
      const before = merged[list];
      if (Array.isArray(before))
        merged[list] = before.filter((item) => !removed.some((other) => sameJson(item, other)));
      continue;
    }
    if (value === null) delete merged[key];
    else if (Array.isArray(value)) merged[key] = mergeLists(key, merged[key], value);
    else merged[key] = isJsonObject(value) ? mergeStrategically(merged[key], value) : value;
  }
  const retained = patch['$retainKeys'];
  if (Array.isArray(retained)) {
    for (const key of Object.keys(merged)) if (!retained.includes(key)) delete merged[key];
  }
  return merged;
}

function mergeLists(key: string, target: Json | undefined, patch: Json[]): Json[] {
  const before = Array.isArray(target) ? target : [];
  if (joinedLists.has(key))
    return [...before, ...patch.filter((item) => !before.some((other) => sameJson(item, other)))];
  const mergeKey = mergeKeys[key];
  if (mergeKey === undefined || mergeKey === '') return patch;
  if (patch.some((item) => isJsonObject(item) && item['$patch'] === 'replace')) {
    return patch.filter((item) => !(isJsonObject(item) && item['$patch'] === 'replace'));
  }
  const merged = [...before];
  for (const item of patch) {
    if (!isJsonObject(item) || item[mergeKey] === undefined) {
      throw statusError.badRequest(
        `map: ${JSON.stringify(item).slice(0, 200)} does not contain declared merge key: ${mergeKey}`,
      );
    }
    const index = merged.findIndex((other) => isJsonObject(other) && sameJson(other[mergeKey], item[mergeKey]));
    if (item['$patch'] === 'delete') {
      if (index >= 0) merged.splice(index, 1);
    } else if (index >= 0) merged[index] = mergeStrategically(merged[index], item);
    else merged.push(withoutDirectives(item));
  }
  return merged;
}

function withoutDirectives(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key, item]) => !key.startsWith('$') && item !== null));
}

/** A JSON patch (RFC 6902). */
function applyJsonPatch(object: JsonObject, operations: Json[]): JsonObject {
  let document: Json = structuredClone(object);
  for (const operation of operations) {
    if (!isJsonObject(operation) || typeof operation['op'] !== 'string' || typeof operation['path'] !== 'string') {
      throw statusError.badRequest('each operation of a JSON patch needs op and path');
    }
    const { op, path } = operation;
    const from = typeof operation['from'] === 'string' ? operation['from'] : '';
    const value = operation['value'];
    if (op === 'test') {
      if (!sameJson(read(document, path) ?? null, value ?? null)) {
        throw statusError.unprocessable(`testing value ${path} failed: test failed`);
      }
    } else if (op === 'remove') document = remove(document, path);
    else if (op === 'add' || op === 'replace') {
      if (op === 'replace' && read(document, path) === undefined) {
        throw statusError.unprocessable(`replace operation does not apply: doc is missing key: ${path}: missing value`);
      }
      document = add(document, path, value ?? null, op === 'replace');
    } else if (op === 'move' || op === 'copy') {
      const moved = read(document, from);
      if (moved === undefined) throw statusError.unprocessable(`${op} operation does not apply: missing ${from}`);
      if (op === 'move') document = remove(document, from);
      document = add(document, path, structuredClone(moved), false);
    } else throw statusError.badRequest(`unexpected kind of operation: ${op}`);
  }
  return isJsonObject(document) ? document : {};
}

function segmentsOf(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw statusError.badRequest(`not a JSON pointer: ${pointer.slice(0, 200)}`);
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function child(parent: Json | undefined, segment: string): Json | undefined {
  if (Array.isArray(parent)) return /^\d+$/.test(segment) ? parent[Number(segment)] : undefined;
  return isJsonObject(parent) && Object.hasOwn(parent, segment) ? parent[segment] : undefined;
}

function read(document: Json, pointer: string): Json | undefined {
  return segmentsOf(pointer).reduce<Json | undefined>(child, document);
}

function locate(document: Json, pointer: string): { parent: Json[] | JsonObject; last: string } {
  const segments = segmentsOf(pointer);
  const last = segments.pop();
  const parent = segments.reduce<Json | undefined>(child, document);
  if (last === undefined || last === '__proto__' || (!Array.isArray(parent) && !isJsonObject(parent))) {
    throw statusError.unprocessable(
      `operation does not apply: doc is missing path: ${pointer.slice(0, 200)}: missing value`,
    );
  }
  return { parent, last };
}

function remove(document: Json, pointer: string): Json {
  const { parent, last } = locate(document, pointer);
  if (child(parent, last) === undefined) {
    throw statusError.unprocessable(
      `remove operation does not apply: doc is missing path: ${pointer.slice(0, 200)}: missing value`,
    );
  }
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return document;
}

function add(document: Json, pointer: string, value: Json, replaces: boolean): Json {
  if (pointer === '') return value;
  const { parent, last } = locate(document, pointer);
  if (!Array.isArray(parent)) {
    parent[last] = value;
    return document;
  }
  const index = last === '-' ? parent.length : Number(last);
  if (!Number.isInteger(index) || index < 0 || index > parent.length) {
    throw statusError.unprocessable(`add operation does not apply: index out of range: ${pointer.slice(0, 200)}`);
  }
  parent.splice(index, replaces ? 1 : 0, value);
  return document;
}
