/** Routes an authenticated request by its path to the function that answers it. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import { parseAddress, parseUrl } from './address.ts';
import { answerCollection } from './collection-requests.ts';
import { answerObject, answerSubresource } from './object-requests.ts';
import { sendJson } from './responses.ts';
import type { RouterDeps } from './router-deps.ts';
import { statusError } from './status-error.ts';

/**
 * An OpenAPI v2 document without definitions, in protobuf (field 1 is "2.0"), the only format in which kubectl reads it.
 * kubectl requests it when it validates a `List`, and does not validate kinds that are not in it.
 */
const emptyOpenApiV2 = {
  type: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  body: Buffer.from([0x0a, 0x03, 0x32, 0x2e, 0x30]),
};

/** Answers one request. Refuses it by throwing a StatusError. */
export function createRouter(deps: RouterDeps) {
  return async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = parseUrl(request.url ?? '/');
    const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : url.pathname;
    const document = deps.documents.get(path);
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
    const { definition, namespace, name, subresource } = address;
    const call = { request, response, query: url.searchParams };
    if (name === undefined) return await answerCollection(deps, { ...call, address });
    const target = { definition, namespace, name };
    return subresource === undefined || subresource === 'status'
      ? await answerObject(deps, { ...call, target, subresource })
      : await answerSubresource(deps, { ...call, target, subresource });
  };
}
