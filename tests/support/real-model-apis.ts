/**
 * Answers as Anthropic's `/v1/messages` and OpenAI's `/v1/responses` stream them, for the clients of the real OpenCode. Each says
 * `words` and that it has used 30 tokens of input and 7 of output.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

const [input, output] = [30, 7];

const anthropicEvents = (words: string) => [
  {
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'test',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: input, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: words } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: output } },
  { type: 'message_stop' },
];

function openAiEvents(words: string) {
  const response = { id: 'resp_1', object: 'response', created_at: 1, model: 'test', output: [] };
  const part = { type: 'output_text', text: words, annotations: [] };
  const item = { id: 'item_1', type: 'message', role: 'assistant', content: [part] };
  const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output };
  return [
    { type: 'response.created', response: { ...response, status: 'in_progress' } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.output_text.delta', output_index: 0, content_index: 0, item_id: item.id, delta: words },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { ...response, status: 'completed', output: [item], usage } },
  ];
}

/** Answers a request of either API, by its path. */
export function answerAsProvider(request: IncomingMessage, response: ServerResponse, words: string): void {
  const events = request.url === '/v1/messages' ? anthropicEvents(words) : openAiEvents(words);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
}
