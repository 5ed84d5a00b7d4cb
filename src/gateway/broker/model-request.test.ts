import { describe, expect, it } from 'vitest';

import {
  answerHeaders,
  errorBody,
  isOffered,
  parseModelBody,
  parseModelPath,
  providerHeaders,
} from './model-request.ts';

describe('the path of a model request', () => {
  it('names a provider and one of the known endpoints', () => {
    expect(parseModelPath('/llm/anthropic/messages')).toEqual({ provider: 'anthropic', endpoint: 'messages' });
    expect(parseModelPath('/llm/my-own/chat/completions')).toEqual({
      provider: 'my-own',
      endpoint: 'chat/completions',
    });
    expect([isOffered('anthropic', 'messages'), isOffered('anthropic', 'responses')]).toEqual([true, false]);
  });

  it.each([
    '/llm/openai/files',
    '/llm/openai/responses/',
    '/llm/openai/responses?x=1',
    '/llm/openai/../responses',
    '/llm/openai//responses',
    '/llm/OpenAI/responses',
    '/llm/https:%2F%2Fevil.example/responses',
    '//llm/openai/responses',
    '/x/llm/openai/responses',
  ])('is not %s', (url) => {
    expect(parseModelPath(url)).toBeNull();
  });
});

describe('the headers of a model request', () => {
  const headers = {
    authorization: 'Bearer of-the-pod',
    'x-api-key': 'of-the-pod',
    cookie: 'a=b',
    host: 'broker',
    'openai-organization': 'other',
    'x-forwarded-for': '1.2.3.4',
    'anthropic-beta': 'tools',
    connection: 'anthropic-beta',
  };

  it('carry the key of the provider, and nothing of the pod but what the API needs', () => {
    expect(providerHeaders(headers, { kind: 'anthropic', key: 'real', bodyBytes: 2 })).toEqual({
      'anthropic-beta': 'tools',
      'anthropic-version': '2023-06-01',
      'x-api-key': 'real',
      'content-type': 'application/json',
      'content-length': '2',
      'accept-encoding': 'identity',
    });
    expect(providerHeaders(headers, { kind: 'openai', key: 'real', bodyBytes: 2 })).toMatchObject({
      authorization: 'Bearer real',
    });
  });

  it('of the answer are limited to content, limits and the id of the request', () => {
    const answer = { 'content-type': 'text/event-stream', 'set-cookie': ['a=b'], location: '/x', 'x-request-id': '1' };
    const limits = { 'retry-after': '3', 'anthropic-ratelimit-tokens-remaining': '1', server: 'x' };
    expect(answerHeaders({ ...answer, ...limits })).toEqual({
      'content-type': 'text/event-stream',
      'x-request-id': '1',
      'retry-after': '3',
      'anthropic-ratelimit-tokens-remaining': '1',
      'cache-control': 'no-store',
    });
  });
});

describe('the body of a model request', () => {
  const parsed = (body: unknown, endpoint: Parameters<typeof parseModelBody>[1] = 'chat/completions') =>
    parseModelBody(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), endpoint);

  it('names the model, and passes unchanged', () => {
    const body = '{ "model": "m1",  "messages": [] }';
    expect(parsed(body)).toEqual({ model: 'm1', isStream: false, bytes: Buffer.from(body) });
    expect(parsed({ model: 'm1', stream: true }, 'messages')).toMatchObject({ isStream: true });
  });

  it('of a stream of chat completions asks for the usage, whatever the pod wrote', () => {
    for (const stream_options of [undefined, null, {}, { include_usage: false }, { include_usage: 'x' }]) {
      const bytes = parsed({ model: 'm1', stream: true, stream_options, messages: [1] })?.bytes;
      expect(JSON.parse(bytes?.toString() ?? '')).toEqual({
        model: 'm1',
        stream: true,
        stream_options: { include_usage: true },
        messages: [1],
      });
    }
  });

  it.each(['', 'x', '[]', '{}', '{"model":1}', '{"model":"m","stream":"yes"}'])('is refused when it is %j', (body) => {
    expect(parsed(body)).toBeNull();
  });
});

it('an error has the shape of the provider', () => {
  const error = { type: 'permission_error', message: 'No.' };
  expect(JSON.parse(errorBody('messages', error))).toEqual({ type: 'error', error });
  expect(JSON.parse(errorBody('responses', error))).toMatchObject({ error });
});
