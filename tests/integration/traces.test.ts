/** One request id and one trace from a mutation to the pod, with real processes and an OTLP/HTTP collector. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';

import { createClient } from '../../src/shared/sdk/client.ts';
import { startServerProcess, startWorkerProcess, type ServiceProcess } from '../support/processes.ts';
import { mintToken } from '../support/test-server.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

const attributeSchema = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) });
const spanSchema = z.object({
  name: z.string(),
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  attributes: z.array(attributeSchema).default([]),
});
const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attributeSchema) }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});
type Span = z.infer<typeof spanSchema> & { service: string | undefined };

let cluster: QuickCluster;
let system: WorkerSystem;
const processes: ServiceProcess[] = [];
const spans: Span[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans } = exportSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service }))));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

beforeAll(async () => {
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo; // it listens on TCP
  cluster = await startQuickCluster();
  system = await createWorkerSystem(cluster);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, LOG_LEVEL: 'info' };
  processes.push(
    await startServerProcess({ ...system.places, env }),
    await startWorkerProcess({ ...system.places, env }),
  );
});
afterAll(async () => {
  await Promise.all(processes.map((each) => each.kill()));
  await system.stop();
  await cluster.stop();
  collector.close();
});

describe('a mutation', () => {
  it('is connected to its pod by one trace and one request id', async () => {
    const [server, worker] = processes;
    if (!server || !worker) throw new Error('Both have been started.');
    const client = createClient({ url: server.url, token: await mintToken(system.places.databaseUrl, 'owner') });
    const project = await client.projects.create({ name: 'Followed' });
    await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 30_000 });
    await client.close();

    const named = (name: string) => spans.filter((span) => span.name === name);
    await vi.waitFor(() => expect(named('POST pod').length).toBe(1), { timeout: 10_000 });
    await vi.waitFor(() => expect(named('projects.create').length).toBe(1), { timeout: 10_000 });
    // The job ends, and its span with it, after the project is ready.
    await vi.waitFor(() => expect(named('create-pod').length).toBe(1), { timeout: 10_000 });
    const [call] = named('projects.create');
    const ofTrace = spans.filter(({ traceId }) => traceId === call?.traceId);
    const [job] = ofTrace.filter(({ name }) => name === 'create-pod');
    expect(call).toMatchObject({ service: 'opencode-server' });
    expect(job).toMatchObject({ service: 'opencode-worker', parentSpanId: call?.spanId });
    const requests = ofTrace.filter(({ parentSpanId }) => parentSpanId === job?.spanId);
    expect(requests.map(({ name }) => name)).toEqual(['GET claim', 'POST claim', 'POST secret', 'POST pod']);

    const requestId = call?.attributes.find(({ key }) => key === 'opencode.request_id')?.value.stringValue;
    const [pod] = await system.podsOf(project.id);
    expect(pod?.metadata?.annotations).toMatchObject({ 'opencode-project-manager/request-id': requestId });
    for (const { output } of [server, worker]) expect(output()).toContain(`"requestId":"${requestId}"`);
  });
});
