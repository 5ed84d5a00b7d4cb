/**
 * A model for tests: an OpenAI-compatible endpoint on loopback that plays scenarios. The text of the user chooses the
 * scenario by `play:<name>`. Each scenario is a list of turns; the number of answers that the conversation already has
 * chooses the turn. It needs no network and answers the same for the same conversation.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { z } from 'zod';

/** What the model answers: text, or calls of OpenCode's tools. */
type Turn =
  | { text: string }
  | { call: string; input: Record<string, unknown> }
  | { status: number; message: string; code?: string }
  /** Some words, and then the connection breaks. */
  | { cut: string }
  | { endless: true }
  /** This many words `w0`, `w1`, …, one each 50 ms. */
  | { words: number };

const scenarios: Record<string, Turn[]> = {
  hello: [{ text: 'Hello from the model of the tests.' }],
  /** Writes a file, edits it, and asks for the permission to run a command. */
  work: [
    { call: 'write', input: { filePath: 'hello.txt', content: 'one\ntwo\n' } },
    { call: 'edit', input: { filePath: 'hello.txt', oldString: 'two', newString: 'three' } },
    { text: 'The file is written.' },
  ],
  ask: [
    { call: 'bash', input: { command: 'echo allowed > permitted.txt', description: 'Writes a file' } },
    { text: 'The command has run.' },
  ],
  question: [
    {
      call: 'question',
      input: {
        questions: [
          {
            question: 'Which colour?',
            header: 'Colour',
            options: [
              { label: 'Blue', description: 'Like the sky' },
              { label: 'Red', description: 'Like a rose' },
            ],
          },
        ],
      },
    },
    { text: 'Thank you for the answer.' },
  ],
  /** Streams words until the client goes away. */
  endless: [{ endless: true }],
  /** For measures of how fast words arrive. */
  timed: [{ words: 300 }],
  /** Repeats the key, as providers do. */
  refused: [{ status: 401, message: 'The key is wrong: ' }],
  /** The client is asked to wait a second before each retry. */
  limited: [{ status: 429, message: 'Too many requests.' }],
  overflow: [
    {
      status: 400,
      message: "This model's maximum context length is 8192 tokens.",
      code: 'context_length_exceeded',
    },
  ],
  cut: [{ cut: 'These words arrive' }, { cut: 'These words arrive' }],
  /** Keeps a list of steps. */
  plan: [
    {
      call: 'todowrite',
      input: {
        todos: [
          { content: 'Read the code', status: 'completed', priority: 'high' },
          { content: 'Change the code', status: 'in_progress', priority: 'high' },
        ],
      },
    },
    { text: 'The plan is written.' },
  ],
  /** A command that takes longer than any test. */
  sleep: [{ call: 'bash', input: { command: 'sleep 300', description: 'Waits' } }, { text: 'Awake again.' }],
};

/** What a reviewer answers, chosen by a word of the task. It first tries to change a file, which must be refused. */
const reviews: Record<string, Turn[]> = {
  approve: [
    { call: 'write', input: { filePath: 'reviewed.txt', content: 'no' } },
    { text: 'Fine.\n```json\n{"decision": "approve", "summary": "It does what was asked.", "comments": []}\n```' },
  ],
  malformed: [{ text: 'I approve of it.' }],
};

const textSchema = z.union([
  z.string(),
  z
    .array(z.looseObject({ text: z.string().optional() }))
    .transform((parts) => parts.map(({ text = '' }) => text).join(' ')),
]);
const requestSchema = z.looseObject({
  messages: z.array(z.looseObject({ role: z.string(), content: textSchema.nullish() })),
});
type Messages = z.infer<typeof requestSchema>['messages'];

export interface FakeModel {
  /** The base URL for an OpenAI-compatible provider. */
  url: string;
  /** The `opencode.json` that makes this model the default one of a project. */
  config: Record<string, unknown>;
  /** The scenarios that were played, in the order of the requests. */
  played: readonly string[];
  close(): Promise<void>;
}

interface FakeModelOptions {
  /** The address to listen on. */
  host?: string;
  /** 0 means any free port. */
  port?: number;
  /** Requests with another key are refused. `null`: any key will do. */
  key?: string | null;
  /** Called when a word of the scenario `timed` is sent. */
  onWord?: (index: number) => void;
}

export async function startFakeModel(options: FakeModelOptions = {}): Promise<FakeModel> {
  const { host = '127.0.0.1', port = 0, key = null, onWord = () => undefined } = options;
  const played: string[] = [];
  const server = createServer((request, response) => {
    if (key !== null && request.headers.authorization !== `Bearer ${key}`) {
      sendError(response, { status: 401, message: 'The key is wrong.' });
      return;
    }
    answer(request, response, { played, onWord }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(port, host, resolve);
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}/v1`; // it listens on TCP
  return {
    url,
    config: openCodeConfig(url),
    played,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function openCodeConfig(baseURL: string) {
  return {
    $schema: 'https://opencode.ai/config.json',
    model: 'fake/fake-1',
    small_model: 'fake/fake-1',
    permission: { bash: 'ask' },
    provider: {
      fake: {
        npm: '@ai-sdk/openai-compatible',
        name: 'Model of the tests',
        options: { baseURL, apiKey: 'not-a-key' },
        models: { 'fake-1': { name: 'Fake 1', limit: { context: 100_000, output: 8_000 } } },
      },
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { played, onWord }: { played: string[]; onWord: (index: number) => void },
): Promise<void> {
  if (request.url !== '/v1/chat/completions') {
    response.writeHead(404).end();
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const { messages } = requestSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
  const { name, turn } = chooseTurn(messages);
  played.push(name);
  if ('status' in turn) {
    const repeated = turn.status === 401 ? (request.headers.authorization ?? '') : '';
    return sendError(response, { ...turn, message: `${turn.message}${repeated}` });
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if ('endless' in turn) return streamForEver(response);
  if ('cut' in turn) {
    for (const delta of deltasOf({ text: turn.cut })) sendChunk(response, delta);
    setTimeout(() => response.destroy(), 50); // the words must have been sent
    return;
  }
  if ('words' in turn) await streamWords(response, turn.words, onWord);
  else for (const delta of deltasOf(turn)) sendChunk(response, delta);
  sendChunk(response, { delta: {}, finish_reason: 'call' in turn ? 'tool_calls' : 'stop' });
  send(response, { choices: [], usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } });
  response.end('data: [DONE]\n\n');
}

function sendError(
  response: ServerResponse,
  { status, message, code }: { status: number; message: string; code?: string },
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' });
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', code } }));
}

function chooseTurn(messages: Messages): { name: string; turn: Turn } {
  const isTitle = messages.some(({ role, content }) => role === 'system' && content?.includes('title generator'));
  if (isTitle) return { name: 'title', turn: { text: 'A test' } };
  const asked = messages.findLastIndex(
    ({ role, content }) => role === 'user' && /(?:play|review):\w+/.test(content ?? ''),
  );
  const text = messages[asked]?.content ?? '';
  const isReview = text.startsWith('Review the changes');
  const name = (isReview ? /review:(\w+)/ : /play:(\w+)/).exec(text)?.[1] ?? 'hello';
  const answers = messages.slice(asked + 1).filter(({ role }) => role === 'assistant').length;
  const turns = (isReview ? reviews : scenarios)[name] ?? [{ text: `There is no scenario “${name}”.` }];
  return { name, turn: turns[answers] ?? { text: 'Done.' } };
}

interface Choice {
  delta: Record<string, unknown>;
  finish_reason?: string;
}

function deltasOf(turn: { text: string } | { call: string; input: Record<string, unknown> }): Choice[] {
  if ('text' in turn) return turn.text.split(/(?<= )/).map((word) => ({ delta: { role: 'assistant', content: word } }));
  const call = { name: turn.call, arguments: JSON.stringify(turn.input) };
  const id = `call_${turn.call}_${call.arguments.length}`;
  return [{ delta: { role: 'assistant', tool_calls: [{ index: 0, id, type: 'function', function: call }] } }];
}

function sendChunk(response: ServerResponse, { delta, finish_reason }: Choice): void {
  send(response, { choices: [{ index: 0, delta, finish_reason: finish_reason ?? null }] });
}

function send(response: ServerResponse, fields: object): void {
  const chunk = { id: 'chatcmpl-test', object: 'chat.completion.chunk', created: 0, model: 'fake-1', ...fields };
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

async function streamWords(response: ServerResponse, count: number, onWord: (index: number) => void): Promise<void> {
  for (let index = 0; index < count && !response.destroyed; index += 1) {
    sendChunk(response, { delta: { role: 'assistant', content: `w${index} ` } });
    onWord(index);
    await delay(50);
  }
}

function streamForEver(response: ServerResponse): void {
  const timer = setInterval(() => sendChunk(response, { delta: { role: 'assistant', content: 'word ' } }), 50);
  response.on('close', () => clearInterval(timer));
}
