/** Types and helpers for Kubernetes objects as JSON. */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object. Kubernetes objects are stored, merged and sent in this form. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

/** The fields of `metadata` that the API itself reads or writes. */
interface ObjectMeta extends JsonObject {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  finalizers?: string[];
}

/** A stored Kubernetes object. It is never changed in place; a change makes a copy. */
export interface KubeObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** Whether a value is a JSON object (neither null nor a list). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys; undefined when the path does not exist. */
export function valueAt(value: Json | undefined, ...path: string[]): Json | undefined {
  let current = value;
  for (const key of path) {
    if (!isJsonObject(current) || !Object.hasOwn(current, key)) return undefined;
    current = current[key];
  }
  return current;
}

/** The text at a path; an empty string when there is none, as in field selectors. */
export function textAt(value: Json | undefined, ...path: string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : typeof found === 'boolean' || typeof found === 'number' ? `${found}` : '';
}

/** The list at a path; an empty one when there is none. */
export function listAt(value: Json | undefined, ...path: string[]): Json[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The objects in the list at a path. Other members of the list are left out. */
export function objectsAt(value: Json | undefined, ...path: string[]): JsonObject[] {
  return listAt(value, ...path).filter(isJsonObject);
}

/** Whether two JSON values are equal. The order of keys does not matter, and an undefined key counts as absent. */
export function sameJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => sameJson(item, right[index]));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const leftKeys = Object.keys(left).filter((key) => left[key] !== undefined);
  const rightKeys = Object.keys(right).filter((key) => right[key] !== undefined);
  return leftKeys.length === rightKeys.length && leftKeys.every((key) => sameJson(left[key], right[key]));
}

/** A deep copy without nulls. Kubernetes treats a null field as absent. */
export function withoutNulls<Value extends Json>(value: Value): Value {
  if (Array.isArray(value)) {
    // Leaving out null members does not change the type of the value.
    return value.filter((item) => item !== null).map((item) => withoutNulls(item)) as Value;
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, item]) =>
    item === null || item === undefined ? [] : [[key, withoutNulls(item)] as const],
  );
  return Object.fromEntries(entries) as Value;
}

/** A time in the format of Kubernetes: UTC, whole seconds. */
export function kubeTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}
