/** Answers requests for a collection: list, watch, create and delete all. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Address } from './address.ts';
import { isDryRun, readDeleteOptions } from './deletion.ts';
import type { JsonObject, KubeObject } from './kube-object.ts';
import { listBody, listPage } from './list.ts';
import { acceptedForm, readOptionalObject, readWriteBody } from './request.ts';
import { sendJson, sendObject } from './responses.ts';
import type { RouterDeps } from './router-deps.ts';
import { statusError } from './status-error.ts';
import { toTable } from './table.ts';
import { serveWatch } from './watch.ts';

interface CollectionRequest {
  request: IncomingMessage;
  response: ServerResponse;
  address: Address;
  query: URLSearchParams;
}

export async function answerCollection(deps: RouterDeps, call: CollectionRequest): Promise<void> {
  const { method } = call.request;
  if (method === 'GET') {
    const isWatch = ['true', '1'].includes(call.query.get('watch') ?? '');
    if (isWatch) watch(deps, call);
    else list(deps, call);
  } else if (method === 'POST') await create(deps, call);
  else if (method === 'DELETE') await deleteAll(deps, call);
  else throw statusError.methodNotAllowed();
}

function watch({ store, clock, bookmarkIntervalMs, trackStream }: RouterDeps, call: CollectionRequest): void {
  const { request, response, query } = call;
  const { definition, namespace } = call.address;
  const form = acceptedForm(request);
  const includeObject = includedObject(query);
  const present = (object: KubeObject): JsonObject => {
    if (form === 'json') return object;
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return toTable(definition, [object], { metadata, includeObject, nowMs: clock.now() });
  };
  trackStream(response, serveWatch(response, { store, definition, namespace, query, present, bookmarkIntervalMs }));
}

function list({ store, clock }: RouterDeps, { request, response, address, query }: CollectionRequest): void {
  const { definition, namespace } = address;
  const form = acceptedForm(request);
  const page = listPage(store, definition, namespace, query);
  const table = () => ({
    metadata: page.metadata,
    includeObject: includedObject(query),
    nowMs: clock.now(),
  });
  sendJson(response, 200, form === 'json' ? listBody(definition, page) : toTable(definition, page.objects, table()));
}

const includedObject = (query: URLSearchParams): string => query.get('includeObject') ?? 'Metadata';

async function create({ crud, clock }: RouterDeps, call: CollectionRequest): Promise<void> {
  const { request, response, query } = call;
  const { definition, namespace } = call.address;
  if (definition.namespaced && namespace === undefined) throw statusError.methodNotAllowed();
  const body = await readWriteBody(request);
  const object = crud.create({ definition, namespace }, body, { dryRun: isDryRun([], query) });
  sendObject(request, response, { code: 201, definition, object, nowMs: clock.now() });
}

async function deleteAll({ store, deletion }: RouterDeps, call: CollectionRequest): Promise<void> {
  const { request, response, query } = call;
  const { definition, namespace } = call.address;
  // As in the real API, namespaces can only be deleted one by one.
  if (definition.plural === 'namespaces') throw statusError.methodNotAllowed();
  const options = readDeleteOptions(await readOptionalObject(request), query);
  const page = listPage(store, definition, namespace, query);
  const objects = page.objects.map(
    ({ metadata }) =>
      deletion.remove({ definition, namespace: metadata.namespace, name: metadata.name }, options).object,
  );
  sendJson(response, 200, listBody(definition, { objects, metadata: page.metadata }));
}
