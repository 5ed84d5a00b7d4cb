/**
 * The call `files.write` for a large text. It travels like any call, but its JSON is made in steps, and the browser reads it from a blob:
 * making megabytes of JSON at once stops the page for most of a second.
 */

import { TRPCClientError } from '@trpc/client';

import type { AppRouter } from '../../../server/router.ts';
import type { WrittenFile } from '../../../shared/contract/files.ts';

/** In characters. */
export const largeLength = 250_000;
const stepLength = 250_000;

interface WriteInput {
  id: string;
  path: string;
  content: string;
  version: string | null;
}

/** @throws TRPCClientError as the call; TypeError when there is no answer */
export async function writeLargeFile(input: WriteInput): Promise<WrittenFile> {
  const body = new Blob(await jsonOf(input), { type: 'application/json' });
  const response = await fetch('/trpc/files.write', { method: 'POST', body });
  const answer: unknown = await response.json();
  // Both shapes are those of tRPC. The answer of a proxy in between has neither, or is no JSON.
  if (response.ok) return (answer as { result: { data: WrittenFile } }).result.data;
  throw TRPCClientError.from<AppRouter>(answer as Parameters<typeof TRPCClientError.from<AppRouter>>[0]);
}

/** The JSON of the input in pieces. Other work of the page runs between two of them. */
export async function jsonOf({ content, ...others }: WriteInput): Promise<string[]> {
  const pieces = [JSON.stringify(others).slice(0, -1), ',"content":"'];
  for (let from = 0; from < content.length; from += stepLength) {
    // A character that two pieces share is escaped in both, which is the same in JSON.
    pieces.push(JSON.stringify(content.slice(from, from + stepLength)).slice(1, -1));
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
  }
  return [...pieces, '"}'];
}
