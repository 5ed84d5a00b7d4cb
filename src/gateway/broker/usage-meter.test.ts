import { describe, expect, it } from 'vitest';

import type { Endpoint } from './model-request.ts';
import { createUsageMeter } from './usage-meter.ts';

const event = (fields: object) => `data: ${JSON.stringify(fields)}\n\n`;
const stream = (endpoint: Endpoint, text: string, chunkBytes = 7) =>
  measure(endpoint, text, { isStream: true }, chunkBytes);

function measure(endpoint: Endpoint, text: string, options: { isStream: boolean }, chunkBytes = 4_096) {
  const meter = createUsageMeter(endpoint, options);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) meter.push(bytes.subarray(at, at + chunkBytes));
  return meter.end();
}

describe('the usage meter', () => {
  it('reads a stream of chat completions', () => {
    const usage = { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 64 } };
    const text = [
      event({ choices: [{ delta: { content: 'Hällo "usage"' } }], usage: null }),
      event({ choices: [], usage }),
      'data: [DONE]\n\n',
    ].join('');
    for (const size of [1, 3, 50, 10_000]) {
      expect(stream('chat/completions', text, size)).toEqual({
        input: 100,
        cachedInput: 64,
        cacheWrite: 0,
        output: 20,
      });
    }
  });

  it('reads a stream of responses, also when its last event is very long', () => {
    const usage = { input_tokens: 50, output_tokens: 9, input_tokens_details: { cached_tokens: 8 } };
    const output = [{ text: '{"usage": {"input_tokens": 1}} '.repeat(20_000) }];
    const text = event({ type: 'response.completed', response: { output, usage, metadata: {} } });
    expect(text.length).toBeGreaterThan(500_000);
    expect(stream('responses', text, 16_384)).toEqual({ input: 50, cachedInput: 8, cacheWrite: 0, output: 9 });
  });

  it('adds the caches of Anthropic to the input, and takes the last count of the output', () => {
    const start = { input_tokens: 10, cache_read_input_tokens: 200, cache_creation_input_tokens: 30, output_tokens: 1 };
    const text = [
      `event: message_start\n${event({ type: 'message_start', message: { usage: start } })}`,
      event({ type: 'content_block_delta', delta: { text: 'Hello' } }),
      event({ type: 'message_delta', usage: { output_tokens: 15 } }),
    ].join('');
    expect(stream('messages', text)).toEqual({ input: 240, cachedInput: 200, cacheWrite: 30, output: 15 });
  });

  it('reads what a cut stream had said', () => {
    const text = event({ type: 'message_start', message: { usage: { input_tokens: 10, output_tokens: 1 } } });
    expect(stream('messages', `${text}data: {"type":"content_bl`)).toMatchObject({ input: 10, output: 1 });
    expect(stream('chat/completions', event({ choices: [] }))).toBeNull();
  });

  it('reads a body that is no stream', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 };
    const body = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(300_000) } }], usage }, null, 2);
    expect(measure('chat/completions', body, { isStream: false })).toMatchObject({ input: 3, output: 4 });
  });

  it('takes nothing from usage that is no usage', () => {
    for (const usage of ['much', { prompt_tokens: -1 }, { prompt_tokens: 1.5 }, { prompt_tokens: 'x' }, []]) {
      expect(stream('chat/completions', event({ usage }))).toBeNull();
    }
  });

  it('counts events', () => {
    const meter = createUsageMeter('chat/completions', { isStream: true });
    meter.push(Buffer.from(`${event({ a: 1 })}: comment\n${event({ a: 2 })}`));
    expect(meter.events()).toBe(2);
  });
});
