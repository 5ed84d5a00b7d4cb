/** A minimal OpenAPI v3 description of the API for kubectl. */

import type { JsonObject } from './kube-object.ts';
import { apiVersionOf, type ResourceDefinition } from './resource-definition.ts';
import { serverVersion } from './version.ts';

const patchContent = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/**
 * kubectl checks whether the PATCH of a kind has the parameters `fieldValidation` and `dryRun`, and then leaves the
 * validation to the server. There are no schemas, so `kubectl explain` has no text.
 */
export function openApiDocuments(definitions: readonly ResourceDefinition[]): Map<string, JsonObject> {
  const documents = new Map<string, JsonObject>();
  const index: Record<string, JsonObject> = {};
  for (const definition of definitions) {
    const name = `${definition.group === '' ? 'api' : 'apis'}/${apiVersionOf(definition)}`;
    if (index[name] !== undefined) continue;
    index[name] = { serverRelativeURL: `/openapi/v3/${name}` };
    const members = definitions.filter((other) => apiVersionOf(other) === apiVersionOf(definition));
    documents.set(`/openapi/v3/${name}`, {
      openapi: '3.0.0',
      info: { title: 'Embedded Kubernetes', version: serverVersion },
      paths: Object.fromEntries(members.map((member) => [pathOf(name, member), pathItem(member)])),
      components: { schemas: {} },
    });
  }
  documents.set('/openapi/v3', { paths: index });
  return documents;
}

function pathOf(name: string, definition: ResourceDefinition): string {
  return definition.namespaced
    ? `/${name}/namespaces/{namespace}/${definition.plural}/{name}`
    : `/${name}/${definition.plural}/{name}`;
}

function pathItem(definition: ResourceDefinition): JsonObject {
  return {
    patch: {
      operationId: `patch${definition.kind}`,
      parameters: ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
        name,
        in: 'query',
        schema: { type: 'string' },
      })),
      requestBody: {
        content: Object.fromEntries(patchContent.map((type) => [type, { schema: { type: 'object' } }])),
      },
      responses: { 200: { description: 'OK' } },
      'x-kubernetes-group-version-kind': {
        group: definition.group,
        version: definition.version,
        kind: definition.kind,
      },
    },
  };
}
