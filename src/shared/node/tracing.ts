/**
 * OpenTelemetry traces, one from a mutation to the pod: the procedure, the job, and each request to Kubernetes. Where no exporter
 * is configured nothing is recorded and nothing of the library but its empty interface is loaded.
 */

import {
  context,
  propagation,
  ROOT_CONTEXT,
  type SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api';

export { SpanKind } from '@opentelemetry/api';

const tracerName = 'opencode-project-manager';
/** For the last spans to be sent when the process ends. */
const exportTimeoutMs = 2_000;

/**
 * Begins to record, and sends what is recorded to an OTLP/HTTP collector. Once a process.
 * @param options.endpoint base URL of the collector; `null`: nothing is recorded
 * @returns what sends the last spans, and never fails
 */
export async function startTracing(options: {
  service: string;
  endpoint: string | null;
}): Promise<() => Promise<void>> {
  const { service, endpoint } = options;
  if (endpoint === null) return () => Promise.resolve();
  const [
    { BatchSpanProcessor, TracerProvider },
    { OTLPTraceExporter },
    { AsyncLocalStorageContextManager },
    core,
    res,
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
    import('@opentelemetry/resources'),
  ]);
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    resource: res.resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000 })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return () => provider.shutdown().catch(() => undefined); // the collector is away: its loss alone
}

export interface SpanOptions {
  kind: SpanKind;
  attributes?: Attributes;
  /** A trace that began elsewhere, as {@link currentTrace} told it. */
  parent?: string | undefined;
  /** Nothing is recorded of what belongs to no trace. */
  onlyWithin?: boolean;
}

/** Runs the work as a step of the trace that is under way. Of an error its name is recorded alone: words may hold secrets. */
export async function traced<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const { kind, attributes = {}, parent, onlyWithin = false } = options;
  if (onlyWithin && trace.getActiveSpan() === undefined) return await work();
  const from: Context =
    parent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, { traceparent: parent });
  return await trace.getTracer(tracerName).startActiveSpan(name, { kind, attributes }, from, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Names the step under way in W3C's form, for who goes on with it elsewhere; `undefined` where nothing is recorded. */
export function currentTrace(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}
