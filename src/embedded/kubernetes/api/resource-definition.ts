/** The form in which resources.ts describes a kind of object. */

import type { FieldError } from './field-error.ts';
import type { Json, JsonObject, KubeObject } from './kube-object.ts';

/** What the rules of a kind may use besides the object. */
export interface RuleContext {
  /** Milliseconds since the epoch. */
  nowMs: number;
  /** Name of the default storage class, if there is one. */
  defaultStorageClass: string | undefined;
}

/** One column of the table that `kubectl get` prints. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'date' | 'boolean';
  format?: string;
  /** Columns of priority 1 are only shown with `-o wide`. */
  priority?: 0 | 1;
  description: string;
  cell: (object: KubeObject, nowMs: number) => Json;
}

/** The rules of one kind. Everything except the names has a default in resources.ts. */
export interface ResourceDefinition {
  group: string;
  version: string;
  kind: string;
  plural: string;
  shortNames: readonly string[];
  namespaced: boolean;
  subresources: readonly Subresource[];
  /** Whether each change of `spec` raises `metadata.generation`. */
  hasGeneration: boolean;
  /** Whether a deletion is answered with the object, or with a `Status`. */
  returnsDeleted: boolean;
  /** What a name must be: a DNS subdomain (most kinds), a DNS label, or any path segment. */
  nameRule: 'subdomain' | 'label' | 'segment';
  /** The message about a field of a wrong type, or undefined. The other rules rely on this check. */
  checkShape: (object: JsonObject) => string | undefined;
  /** Sets what a new object leaves out. It changes the object. */
  setDefaults: (object: KubeObject, context: RuleContext) => void;
  validate: (object: KubeObject) => FieldError[];
  validateUpdate: (next: KubeObject, previous: KubeObject) => FieldError[];
  /** The fields that field selectors can use, besides metadata.name and metadata.namespace. */
  selectableFields: (object: KubeObject) => Record<string, string>;
  /** Whether a deletion may have to wait for the kubelet. Then the object gets a deletion timestamp first. */
  deletesGracefully: boolean;
  /** Seconds that a deletion waits for the kubelet; 0 deletes at once. */
  deletionGraceSeconds: (object: KubeObject, requested: number | undefined) => number;
  columns: readonly Column[];
}

export type Subresource = 'status' | 'binding' | 'log' | 'eviction';

/** The `apiVersion` of objects: `v1` or `group/version`. */
export function apiVersionOf(definition: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
}

/** The name of the collection in the store. */
export function storeKeyOf(definition: Pick<ResourceDefinition, 'group' | 'plural'>): string {
  return `${definition.group}/${definition.plural}`;
}
