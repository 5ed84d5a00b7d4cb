/** Answers requests for one object: read, replace, patch, delete, and the subresources of a pod. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Target } from './crud.ts';
import { isDryRun, readDeleteOptions } from './deletion.ts';
import type { JsonObject, KubeObject } from './kube-object.ts';
import { contentTypeOf, readJsonBody, readOptionalObject, readWriteBody } from './request.ts';
import type { Subresource } from './resource-definition.ts';
import { sendJson, sendObject } from './responses.ts';
import type { RouterDeps } from './router-deps.ts';
import { statusError } from './status-error.ts';

interface ObjectRequest<Part> {
  request: IncomingMessage;
  response: ServerResponse;
  target: Target;
  subresource: Part;
  query: URLSearchParams;
}

/** The object itself, or its status. */
export async function answerObject(deps: RouterDeps, call: ObjectRequest<'status' | undefined>): Promise<void> {
  const { crud, clock, deletion } = deps;
  const { request, response, target, subresource, query } = call;
  const { definition } = target;
  const send = (object: KubeObject) =>
    sendObject(request, response, { code: 200, definition, object, nowMs: clock.now() });
  switch (request.method) {
    case 'GET':
      return send(crud.get(target));
    case 'PUT': {
      const body = await readWriteBody(request);
      return send(crud.replace(target, body, { dryRun: isDryRun([], query), subresource }));
    }
    case 'PATCH': {
      const change = { contentType: contentTypeOf(request), body: await readJsonBody(request) };
      return send(crud.patch(target, change, { dryRun: isDryRun([], query), subresource }));
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

export async function answerSubresource(
  deps: RouterDeps,
  call: ObjectRequest<Exclude<Subresource, 'status'>>,
): Promise<void> {
  const { pods, trackStream } = deps;
  const { request, response, target, subresource, query } = call;
  if (request.method !== (subresource === 'log' ? 'GET' : 'POST')) throw statusError.methodNotAllowed();
  switch (subresource) {
    case 'log':
      return trackStream(response, pods.sendLog(response, target, query));
    case 'binding': {
      const body = await readWriteBody(request);
      return sendJson(response, 201, pods.bind(target, body, isDryRun([], query)));
    }
    case 'eviction': {
      const body = await readWriteBody(request);
      return sendJson(response, 201, pods.evict(target, body, query));
    }
  }
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
