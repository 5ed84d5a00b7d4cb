/**
 * Reads from an answer how many tokens it took, while the answer passes. It keeps at most one event of a stream, and of a long one only
 * its end, so the memory of an endless answer stays flat.
 */

import { StringDecoder } from 'node:string_decoder';

import { z } from 'zod';

import { parseJson } from '../../shared/parse-json.ts';
import type { Endpoint } from './model-request.ts';

export interface MeasuredTokens {
  /** Cached and written tokens included. */
  input: number;
  cachedInput: number;
  cacheWrite: number;
  output: number;
}

export interface UsageMeter {
  push(chunk: Buffer): void;
  /** What the provider said, or `null`. */
  end(): MeasuredTokens | null;
  /** The events of the stream so far. A model sends about one for each token. */
  events(): number;
}

/** Characters of an event that are kept. Usage is at its end. */
const keptCharacters = 64 * 1024;

const tokens = z.number().int().min(0).max(1e9).nullish();
const usageSchema = z.looseObject({
  input_tokens: tokens,
  output_tokens: tokens,
  prompt_tokens: tokens,
  completion_tokens: tokens,
  cache_read_input_tokens: tokens,
  cache_creation_input_tokens: tokens,
  prompt_tokens_details: z.looseObject({ cached_tokens: tokens }).nullish(),
  input_tokens_details: z.looseObject({ cached_tokens: tokens }).nullish(),
});
type Usage = z.infer<typeof usageSchema>;

export function createUsageMeter(endpoint: Endpoint, { isStream }: { isStream: boolean }): UsageMeter {
  const decoder = new StringDecoder('utf8');
  let record = '';
  let events = 0;
  let measured: MeasuredTokens | null = null;

  function endRecord(): void {
    const usage = usageOf(record);
    if (isStream && record.startsWith('data:')) events += 1;
    record = '';
    if (usage) measured = largest(measured, tokensOf(usage, endpoint));
  }
  function add(text: string): void {
    record += text;
    // The beginning is kept too: it says that this is an event.
    if (record.length > 2 * keptCharacters) record = `data:${record.slice(-keptCharacters)}`;
  }

  return {
    push(chunk) {
      const text = decoder.write(chunk);
      if (!isStream) return add(text);
      const lines = text.split('\n');
      for (const [index, line] of lines.entries()) {
        if (index > 0) endRecord();
        add(line);
      }
    },
    end() {
      add(decoder.end());
      endRecord();
      return measured;
    },
    events: () => events,
  };
}

/** The usage in an event or a body: at the top, or in `response` or `message`. */
function usageOf(record: string): Usage | null {
  if (!record.includes('"usage"')) return null;
  const event = parseJson(record.replace(/^data:/, ''));
  const found = event === undefined ? lastUsageIn(record) : usageIn(event);
  return usageSchema
    .nullable()
    .catch(null)
    .parse(found ?? null);
}

function usageIn(event: unknown): unknown {
  if (typeof event !== 'object' || event === null) return null;
  const { usage, response, message } = event as { usage?: unknown; response?: unknown; message?: unknown };
  if (usage !== undefined && usage !== null) return usage;
  return usageIn(response) ?? usageIn(message);
}

/** For an event of which only the end is known. */
function lastUsageIn(text: string): unknown {
  const start = /[\s\S]*"usage"\s*:\s*(?=\{)/.exec(text)?.[0].length ?? -1;
  if (start < 0) return null;
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}' && --depth === 0) return parseJson(text.slice(start, at + 1));
  }
  return null;
}

function tokensOf(usage: Usage, endpoint: Endpoint): MeasuredTokens {
  const input = usage.input_tokens ?? usage.prompt_tokens ?? 0;
  const output = usage.output_tokens ?? usage.completion_tokens ?? 0;
  if (endpoint === 'messages') {
    // Here the input does not contain what was read from a cache or written to one.
    const [cachedInput, cacheWrite] = [usage.cache_read_input_tokens ?? 0, usage.cache_creation_input_tokens ?? 0];
    return { input: input + cachedInput + cacheWrite, cachedInput, cacheWrite, output };
  }
  const details = usage.input_tokens_details ?? usage.prompt_tokens_details;
  return { input, cachedInput: Math.min(input, details?.cached_tokens ?? 0), cacheWrite: 0, output };
}

/** Each event counts from the beginning of the answer, so the largest number of each kind is the sum. */
function largest(known: MeasuredTokens | null, next: MeasuredTokens): MeasuredTokens {
  if (known === null) return next;
  return {
    input: Math.max(known.input, next.input),
    cachedInput: Math.max(known.cachedInput, next.cachedInput),
    cacheWrite: Math.max(known.cacheWrite, next.cacheWrite),
    output: Math.max(known.output, next.output),
  };
}
