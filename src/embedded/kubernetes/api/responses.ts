/** Sends the answers of the API: JSON, or the table form for kubectl. */

import type { IncomingMessage, ServerResponse } from 'node:http';

import type { JsonObject, KubeObject } from './kube-object.ts';
import { acceptedForm } from './request.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import { toTable } from './table.ts';

export function sendJson(response: ServerResponse, code: number, body: JsonObject): void {
  response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.end(JSON.stringify(body));
}

/** Sends one object in the form that the client accepts. */
export function sendObject(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { code: number; definition: ResourceDefinition; object: KubeObject; nowMs: number },
): void {
  const { code, definition, object, nowMs } = answer;
  const metadata = { resourceVersion: object.metadata.resourceVersion };
  const body =
    acceptedForm(request) === 'table'
      ? toTable(definition, [object], { metadata, includeObject: 'Metadata', nowMs })
      : object;
  sendJson(response, code, body);
}
