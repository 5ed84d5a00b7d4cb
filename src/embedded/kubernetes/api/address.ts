/** What the path of a request names: a collection, one object, or a subresource of it. */

import { apiVersionOf, type ResourceDefinition, type Subresource } from './resource-definition.ts';
import { resourceDefinitions } from './resources.ts';
import { statusError } from './status-error.ts';

export interface Address {
  definition: ResourceDefinition;
  namespace: string | undefined;
  /** Undefined for a collection. */
  name: string | undefined;
  subresource: Subresource | undefined;
}

/** Reads a path such as `/api/v1/namespaces/opencode/pods/one/log`; undefined when there is no such resource. */
export function parseAddress(path: string): Address | undefined {
  const match = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))\/(.+)$/.exec(path);
  if (match === null) return undefined;
  const apiVersion = match[1] ?? `${match[2]}/${match[3]}`;
  const segments = (match[4] ?? '').split('/').map(decodeSegment);
  const isInNamespace = segments[0] === 'namespaces' && segments.length >= 3 && segments[2] !== 'status';
  const namespace = isInNamespace ? segments[1] : undefined;
  const [plural, name, subresource, ...rest] = isInNamespace ? segments.slice(2) : segments;
  const definition = resourceDefinitions.find(
    (candidate) => candidate.plural === plural && apiVersionOf(candidate) === apiVersion,
  );
  if (definition === undefined || rest.length > 0 || name === '') return undefined;
  if (definition.namespaced ? name !== undefined && namespace === undefined : namespace !== undefined) return undefined;
  const known = definition.subresources.find((candidate) => candidate === subresource);
  if (subresource !== undefined && known === undefined) return undefined;
  return { definition, namespace, name, subresource: known };
}

/** @throws StatusError 400 when the path cannot be read */
export function parseUrl(text: string): URL {
  // A request target with a host in it, or with two slashes, must not be read as another server.
  const url = text.startsWith('/') ? URL.parse(`https://embedded${text}`) : null;
  if (url === null) throw statusError.badRequest('the path of the request cannot be read');
  return url;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw statusError.badRequest('the path of the request is not properly encoded');
  }
}
