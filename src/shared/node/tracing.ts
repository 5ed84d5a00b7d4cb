/**
 * OpenTelemetry traces. One trace contains the procedure of a mutation, its job, and each request to Kubernetes. Without a
 * configured collector nothing is recorded, and only the library's small API package is loaded.
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
/** The time limit for sending spans, also for the last ones when the process ends. */
const exportTimeoutMs = 2_000;

/**
 * Starts to record spans and to send them to an OTLP/HTTP collector. Call it once per process.
 * @param options.endpoint the base URL of the collector; `null` records nothing
 * @returns a function that sends the last spans and never fails
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
  return () => provider.shutdown().catch(() => undefined); // the collector does not answer; only spans are lost
}

interface SpanOptions {
  kind: SpanKind;
  attributes?: Attributes;
  /** The trace to continue, as {@link currentTrace} returned it in another process. */
  parent?: string | undefined;
  /** Records the span only if it is part of a trace. */
  onlyWithin?: boolean;
}

/** Runs `work` as a span of the current trace. Only the name of an error is recorded: its message may contain secrets. */
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

/** The current span as a W3C traceparent, for continuing it in another process; `undefined` if nothing is recorded. */
export function currentTrace(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}
