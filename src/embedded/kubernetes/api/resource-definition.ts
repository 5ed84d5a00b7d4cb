import type { FieldError } from './field-error.ts';
import type { Json, JsonObject, KubeObject } from './kube-object.ts';

/** What the API knows when it fills in or judges an object. */
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
  /** Columns of priority 1 are shown by `-o wide` alone. */
  priority?: 0 | 1;
  description: string;
  cell: (object: KubeObject, nowMs: number) => Json;
}

/** The rules of one kind of object. Everything but the names has a harmless default, so a plain kind is one line. */
export interface ResourceDefinition {
  group: string;
  version: string;
  kind: string;
  plural: string;
  shortNames: readonly string[];
  namespaced: boolean;
  subresources: readonly Subresource[];
  /** Raises `metadata.generation` with each change of `spec`. */
  hasGeneration: boolean;
  /** Whether a delete answers with the object, as some kinds do, or with a `Status`. */
  returnsDeleted: boolean;
  /** Whether a name must be a DNS subdomain (most kinds), a DNS label, or may be any path segment. */
  nameRule: 'subdomain' | 'label' | 'segment';
  /** What has the wrong type, in words, or nothing; the later rules may rely on what passed. */
  checkShape: (object: JsonObject) => string | undefined;
  /** Fills in what a new object leaves out. Works on a copy that it may change. */
  setDefaults: (object: KubeObject, context: RuleContext) => void;
  validate: (object: KubeObject) => FieldError[];
  validateUpdate: (next: KubeObject, previous: KubeObject) => FieldError[];
  /** Values that field selectors may ask for, besides metadata.name and metadata.namespace. */
  selectableFields: (object: KubeObject) => Record<string, string>;
  /** Whether a deletion may have to wait for somebody; then an object is marked before it goes. */
  deletesGracefully: boolean;
  /** Seconds that a deletion waits for somebody to finish it; 0 removes at once. */
  deletionGraceSeconds: (object: KubeObject, asked: number | undefined) => number;
  columns: readonly Column[];
}

export type Subresource = 'status' | 'binding' | 'log' | 'eviction';

/** `v1` or `group/version`, as objects carry it. */
export function apiVersionOf(definition: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return definition.group === '' ? definition.version : `${definition.group}/${definition.version}`;
}

/** How the definition is addressed inside the store. */
export function storeKeyOf(definition: Pick<ResourceDefinition, 'group' | 'plural'>): string {
  return `${definition.group}/${definition.plural}`;
}
