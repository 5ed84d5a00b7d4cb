/** The discovery documents of the API: its version, groups and resources. */

import type { JsonObject } from './kube-object.ts';
import { apiVersionOf, type ResourceDefinition, type Subresource } from './resource-definition.ts';
import { minorVersion, serverVersion } from './version.ts';

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const subresourceKinds: Record<Subresource, { kind?: string; group?: string; version?: string; verbs: string[] }> = {
  status: { verbs: ['get', 'patch', 'update'] },
  binding: { kind: 'Binding', verbs: ['create'] },
  log: { verbs: ['get'] },
  eviction: { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
};

/** The answer to `/version`. kubectl compares it with its own version. */
const versionInfo: JsonObject = {
  major: '1',
  minor: minorVersion,
  gitVersion: serverVersion,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'embedded',
};

/** The documents by which clients find the resources, by their path. */
export function discoveryDocuments(definitions: readonly ResourceDefinition[]): Map<string, JsonObject> {
  const documents = new Map<string, JsonObject>();
  const groups = new Map<string, Set<string>>();
  for (const { group, version } of definitions) {
    if (group !== '') groups.set(group, (groups.get(group) ?? new Set()).add(version));
  }
  documents.set('/version', versionInfo);
  documents.set('/api', { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] });
  documents.set('/apis', {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [...groups].map(([name, versions]) => groupDocument(name, [...versions])),
  });
  for (const [name, versions] of groups) {
    documents.set(`/apis/${name}`, {
      kind: 'APIGroup',
      apiVersion: 'v1',
      ...groupDocument(name, [...versions]),
    });
  }
  for (const definition of definitions) {
    const document = `/${definition.group === '' ? 'api' : 'apis'}/${apiVersionOf(definition)}`;
    if (documents.has(document)) continue;
    const members = definitions.filter((other) => apiVersionOf(other) === apiVersionOf(definition));
    documents.set(document, {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersionOf(definition),
      resources: members.flatMap(resourceEntries),
    });
  }
  return documents;
}

function groupDocument(name: string, versions: string[]): JsonObject {
  const entries = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

function resourceEntries(definition: ResourceDefinition): JsonObject[] {
  const { plural, kind, namespaced, shortNames, subresources } = definition;
  const singularName = kind.toLowerCase();
  return [
    {
      name: plural,
      singularName,
      namespaced,
      kind,
      verbs: allVerbs,
      shortNames: [...shortNames],
      ...(plural === 'pods' ? { categories: ['all'] } : {}),
    },
    ...subresources.map((subresource) => ({
      ...subresourceKinds[subresource],
      name: `${plural}/${subresource}`,
      singularName: '',
      namespaced,
      kind: subresourceKinds[subresource].kind ?? kind,
    })),
  ];
}
