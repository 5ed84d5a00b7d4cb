/** The `Table` form of objects. The server computes the cells, and kubectl prints them. */

import { isJsonObject, type JsonObject, type KubeObject } from './kube-object.ts';
import type { ResourceDefinition } from './resource-definition.ts';

export function toTable(
  definition: ResourceDefinition,
  objects: readonly KubeObject[],
  options: { metadata: JsonObject; includeObject: string; nowMs: number },
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: definition.columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: column.format ?? '',
      description: column.description,
      priority: column.priority ?? 0,
    })),
    rows: objects.map((object) => ({
      cells: definition.columns.map((column) => column.cell(object, options.nowMs)),
      ...rowObject(object, options.includeObject),
    })),
  };
}

function rowObject(object: KubeObject, includeObject: string): JsonObject {
  if (includeObject === 'None') return {};
  if (includeObject === 'Object') return { object };
  return {
    object: {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: isJsonObject(object.metadata) ? object.metadata : {},
    },
  };
}
