import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Crud, Target } from './crud.ts';
import { isDryRun, readDeleteOptions, type createDeletion } from './deletion.ts';
import type { Json, JsonObject, KubeObject } from './kube-object.ts';
import { listBody, listPage } from './list.ts';
import type { createPodSubresources } from './pod-subresources.ts';
import { acceptedForm, contentTypeOf, readJsonBody, readOptionalObject } from './request.ts';
import { apiVersionOf, type ResourceDefinition, type Subresource } from './resource-definition.ts';
import { resourceDefinitions } from './resources.ts';
import { statusError } from './status-error.ts';
import type { Store } from './store.ts';
import { toTable } from './table.ts';
import { serveWatch } from './watch.ts';

/** What a path names: a collection, or one object, or a part of it. */
interface Address {
  definition: ResourceDefinition;
  namespace: string | undefined;
  name: string | undefined;
  subresource: Subresource | undefined;
}

interface Deps {
  store: Store;
  crud: Crud;
  deletion: ReturnType<typeof createDeletion>;
  pods: ReturnType<typeof createPodSubresources>;
  documents: ReadonlyMap<string, JsonObject>;
  nowMs: () => number;
  bookmarkIntervalMs: number;
  /** Keeps what ends a stream, so that a stopping server can end them all. */
  trackStream: (response: ServerResponse, end: () => void) => void;
}

/**
 * An OpenAPI v2 document without definitions, in the only form in which kubectl reads it (protobuf: field 1 is "2.0").
 * kubectl asks for it when it validates a `List`, and skips the kinds that it does not find there.
 */
const emptyOpenApiV2 = {
  type: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  body: Buffer.from([0x0a, 0x03, 0x32, 0x2e, 0x30]),
};

const writableTypes = ['application/json', ''];

/** Answers every request that has been let in; refuses by throwing a StatusError. */
export function createRouter(deps: Deps) {
  const { store, crud, deletion, pods, documents, nowMs } = deps;

  return async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = parseUrl(request.url ?? '/');
    const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : url.pathname;
    const document = documents.get(path);
    if (document !== undefined) {
      if (request.method !== 'GET') throw statusError.methodNotAllowed();
      return sendJson(response, 200, document);
    }
    if (path === '/openapi/v2' && request.method === 'GET') {
      response.writeHead(200, { 'content-type': emptyOpenApiV2.type }).end(emptyOpenApiV2.body);
      return;
    }
    const address = parseAddress(path);
    if (address === undefined) throw statusError.noSuchPath();
    const { definition, name } = address;
    if (name === undefined) return await answerCollection(request, response, address, url.searchParams);
    const target = { definition, namespace: address.namespace, name };
    return address.subresource === undefined || address.subresource === 'status'
      ? await answerObject(request, response, { target, subresource: address.subresource, query: url.searchParams })
      : await answerSubresource(request, response, {
          target,
          subresource: address.subresource,
          query: url.searchParams,
        });
  };

  async function answerCollection(
    request: IncomingMessage,
    response: ServerResponse,
    { definition, namespace }: Address,
    query: URLSearchParams,
  ): Promise<void> {
    if (request.method === 'GET') {
      const form = acceptedForm(request);
      const includeObject = query.get('includeObject') ?? 'Metadata';
      if (query.get('watch') === 'true' || query.get('watch') === '1') {
        const present = (object: KubeObject): JsonObject =>
          form === 'json'
            ? object
            : toTable(definition, [object], {
                metadata: { resourceVersion: object.metadata.resourceVersion },
                includeObject,
                nowMs: nowMs(),
              });
        const { bookmarkIntervalMs } = deps;
        const end = serveWatch(response, { store, definition, namespace, query, present, bookmarkIntervalMs });
        return deps.trackStream(response, end);
      }
      const page = listPage(store, definition, namespace, query);
      return sendJson(
        response,
        200,
        form === 'json'
          ? listBody(definition, page)
          : toTable(definition, page.objects, { metadata: page.metadata, includeObject, nowMs: nowMs() }),
      );
    }
    if (request.method === 'POST') {
      if (definition.namespaced && namespace === undefined) throw statusError.methodNotAllowed();
      const body = await readWrite(request);
      const object = crud.create({ definition, namespace }, body, { dryRun: isDryRun([], query) });
      return sendObject(request, response, 201, { definition, object });
    }
    // As in the real API, namespaces can only be deleted one by one.
    if (request.method === 'DELETE' && definition.plural !== 'namespaces') {
      const options = readDeleteOptions(await readOptionalObject(request), query);
      const page = listPage(store, definition, namespace, query);
      const objects = page.objects.map(
        ({ metadata }) =>
          deletion.remove({ definition, namespace: metadata.namespace, name: metadata.name }, options).object,
      );
      return sendJson(response, 200, listBody(definition, { objects, metadata: page.metadata }));
    }
    throw statusError.methodNotAllowed();
  }

  async function answerObject(
    request: IncomingMessage,
    response: ServerResponse,
    { target, subresource, query }: { target: Target; subresource: 'status' | undefined; query: URLSearchParams },
  ): Promise<void> {
    const { definition } = target;
    switch (request.method) {
      case 'GET':
        return sendObject(request, response, 200, { definition, object: crud.get(target) });
      case 'PUT': {
        const body = await readWrite(request);
        const object = crud.replace(target, body, { dryRun: isDryRun([], query), subresource });
        return sendObject(request, response, 200, { definition, object });
      }
      case 'PATCH': {
        const change = { contentType: contentTypeOf(request), body: await readJsonBody(request) };
        const object = crud.patch(target, change, { dryRun: isDryRun([], query), subresource });
        return sendObject(request, response, 200, { definition, object });
      }
      case 'DELETE': {
        if (subresource !== undefined) throw statusError.methodNotAllowed();
        const options = readDeleteOptions(await readOptionalObject(request), query);
        const { object, isGone } = deletion.remove(target, options);
        return sendJson(response, 200, !isGone || definition.returnsDeleted ? object : deletedStatus(target, object));
      }
      default:
        throw statusError.methodNotAllowed();
    }
  }

  async function answerSubresource(
    request: IncomingMessage,
    response: ServerResponse,
    call: { target: Target; subresource: Exclude<Subresource, 'status'>; query: URLSearchParams },
  ): Promise<void> {
    const { target, subresource, query } = call;
    if (request.method !== (subresource === 'log' ? 'GET' : 'POST')) throw statusError.methodNotAllowed();
    switch (subresource) {
      case 'log':
        return deps.trackStream(response, pods.sendLog(response, target, query));
      case 'binding': {
        const body = await readWrite(request);
        return sendJson(response, 201, pods.bind(target, body, isDryRun([], query)));
      }
      case 'eviction': {
        const body = await readWrite(request);
        return sendJson(response, 201, pods.evict(target, body, query));
      }
    }
  }

  function sendObject(
    request: IncomingMessage,
    response: ServerResponse,
    code: number,
    { definition, object }: { definition: ResourceDefinition; object: KubeObject },
  ): void {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const isTable = acceptedForm(request) === 'table';
    const table = (): JsonObject =>
      toTable(definition, [object], { metadata, includeObject: 'Metadata', nowMs: nowMs() });
    sendJson(response, code, isTable ? table() : object);
  }
}

async function readWrite(request: IncomingMessage): Promise<Json> {
  if (!writableTypes.includes(contentTypeOf(request))) throw statusError.unsupportedMediaType(['application/json']);
  return await readJsonBody(request);
}

/** Sends a JSON answer. */
export function sendJson(response: ServerResponse, code: number, body: JsonObject): void {
  response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.end(JSON.stringify(body));
}

function deletedStatus({ definition, name }: Target, object: KubeObject): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, kind: definition.plural, uid: object.metadata.uid },
  };
}

function parseAddress(path: string): Address | undefined {
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

function parseUrl(text: string): URL {
  // Only the path counts: a proxy's form with a host in it, or two slashes, must not be taken for another server.
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
