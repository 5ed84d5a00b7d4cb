/** Reads answers of pods without letting them take all memory or all time. */

import { OpenCodeError } from './opencode-error.ts';

/** The whole body as text. @throws OpenCodeError `unreadable` when it has more bytes */
export async function readLimited(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > maxBytes) throw new OpenCodeError('unreadable', `The answer has more than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** The data of server-sent events. Longer events are left out. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  { maxLength, throttle }: { maxLength: number; throttle: (bytes: number) => Promise<void> },
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let line = '';
  let isTooLong = false;
  for await (const chunk of body) {
    await throttle(chunk.byteLength);
    const pieces = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        if (!isTooLong && line.startsWith('data:')) yield line.slice(5).trim();
        line = '';
        isTooLong = false;
      }
      if (line.length + piece.length > maxLength) isTooLong = true;
      else line += piece;
    }
  }
}
