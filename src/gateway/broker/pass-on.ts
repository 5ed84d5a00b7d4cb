/** Passes one admitted request to its provider, and the answer back. Counts what it took. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { KeyOwner, UsageEntry } from '../../shared/node/db/model-usage-repository.ts';
import type { ModelProject } from '../../shared/node/models/model-project.ts';
import { Refusal, type BrokerLimits, type BrokerOutcome } from './broker-rules.ts';
import { createKeyMask, maskErrorText } from './key-mask.ts';
import { answerHeaders, providerHeaders, type Endpoint, type ModelBody } from './model-request.ts';
import type { ProviderCalls } from './provider-call.ts';
import type { BrokerProvider } from './provider-catalogue.ts';
import { createUsageMeter, type MeasuredTokens, type UsageMeter } from './usage-meter.ts';
import { costOf } from './usage-recorder.ts';

/** The header by which OpenCode names its session. */
const sessionHeader = 'x-session-id';

export interface Admitted {
  project: ModelProject;
  provider: BrokerProvider;
  endpoint: Endpoint;
  key: string;
  keyOwner: KeyOwner;
}

export interface PassOnDeps {
  findRun(key: { projectId: string; sessionId: string }): Promise<string | null>;
  recordUsage(entry: UsageEntry): void;
  calls: ProviderCalls;
  limits: BrokerLimits;
}

interface Exchange {
  admitted: Admitted;
  body: ModelBody;
  request: IncomingMessage;
  response: ServerResponse;
}

export async function passOn(deps: PassOnDeps, exchange: Exchange): Promise<BrokerOutcome> {
  const { admitted, body, request, response } = exchange;
  const { provider, endpoint, key, project } = admitted;
  const sessionId = request.headers[sessionHeader];
  const runId =
    typeof sessionId === 'string' && sessionId.length <= 100
      ? await deps.findRun({ projectId: project.id, sessionId })
      : null;
  const ending = new AbortController();
  response.once('close', () => ending.abort());
  const timer = setTimeout(() => ending.abort(), deps.limits.answerMs);
  try {
    const headers = providerHeaders(request.headers, { kind: provider.kind, key, bodyBytes: body.bytes.length });
    const url = `${provider.baseUrl}/${endpoint}`;
    const answer = await deps.calls.post(url, { headers, bytes: body.bytes, signal: ending.signal }).catch(() => null);
    if (answer === null) {
      const message = `${provider.name} does not answer. Try again in a moment.`;
      throw new Refusal(502, 'api_error', message, 'unreachable');
    }
    answer.on('error', () => undefined); // the pipeline reports it, or a short text
    const status = answer.statusCode ?? 502;
    if (status >= 200 && status < 300) {
      await streamAnswer(deps, exchange, { answer, runId });
      return 'answered';
    }
    await sendProviderError(deps, exchange, { answer, status });
    return 'provider-error';
  } finally {
    clearTimeout(timer);
  }
}

async function streamAnswer(
  deps: PassOnDeps,
  { admitted, body, response }: Exchange,
  { answer, runId }: { answer: IncomingMessage; runId: string | null },
): Promise<void> {
  const { provider, endpoint, key, keyOwner, project } = admitted;
  const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
  const meter = createUsageMeter(endpoint, { isStream });
  const mask = createKeyMask(key);
  let bytes = 0;
  const watched = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      meter.push(chunk);
      if (bytes > deps.limits.answerBytes) done(new Error('The answer is too long.'));
      else done(null, mask.push(chunk));
    },
    flush: (done) => done(null, mask.end()),
  });
  response.writeHead(answer.statusCode ?? 200, answerHeaders(answer.headers));
  response.flushHeaders();
  try {
    await pipeline(answer, watched, response);
  } catch {
    response.destroy(); // the pod sees that the answer was cut, as it would without the broker
  }
  const measured = meter.end();
  const used = measured ?? estimate({ meter, isStream, bytes, body });
  const price = provider.models.find(({ id }) => id === body.model)?.price ?? null;
  const cost = measured === null ? null : costOf(used, price);
  deps.recordUsage({
    userId: project.ownerId,
    projectId: project.id,
    runId,
    provider: provider.id,
    model: body.model,
    keyOwner,
    requests: 1,
    unmeasuredRequests: measured === null ? 1 : 0,
    unpricedRequests: cost === null ? 1 : 0,
    inputTokens: used.input,
    cachedInputTokens: used.cachedInput,
    cacheWriteTokens: used.cacheWrite,
    outputTokens: used.output,
    costMicros: cost ?? 0,
  });
}

/** So that nobody passes the limit by ending answers early: four bytes are about one token, and an event of a stream is one. */
function estimate(answer: { meter: UsageMeter; isStream: boolean; bytes: number; body: ModelBody }): MeasuredTokens {
  const output = answer.isStream ? answer.meter.events() : Math.ceil(answer.bytes / 4);
  return { input: Math.ceil(answer.body.bytes.length / 4), cachedInput: 0, cacheWrite: 0, output };
}

/** Passes an error as the provider sent it, without the key and without parts of it. */
async function sendProviderError(
  { limits }: PassOnDeps,
  { admitted, response }: Exchange,
  { answer, status }: { answer: IncomingMessage; status: number },
): Promise<void> {
  if (status < 400) {
    answer.destroy();
    const message = `${admitted.provider.name} redirects to another address, which is not followed. An administrator has to correct its address.`;
    throw new Refusal(502, 'api_error', message, 'provider-error');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes >= limits.errorBytes) break;
    }
  } catch {
    // The answer was cut. What has arrived is passed on.
  }
  const received = Buffer.concat(chunks).subarray(0, limits.errorBytes);
  const masked = maskErrorText(received.toString('utf8'), admitted.key);
  response.writeHead(status, { ...answerHeaders(answer.headers), 'content-length': Buffer.byteLength(masked) });
  response.end(masked);
}
