/** Reads a file of the project as what the editor can show: a text, the beginning of a large text, an image, or no text. */

import { maxEditableBytes } from '../../../shared/contract/file-limits.ts';
import type { FileContent } from '../../../shared/contract/files.ts';
import { readError } from '../../api/read-error.ts';
import { nameOf } from '../paths.ts';
import { createTextBuilder } from './line-endings.ts';
import type { ReadFile } from './open-files.ts';

export type ReadPart = (input: { path: string; offset: number; limit?: number }) => Promise<FileContent>;

/** A file that changes while it is read is read again from its beginning, this often. */
const maxAttempts = 3;

const imageTypes = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['svg', 'image/svg+xml'],
  ['avif', 'image/avif'],
  ['ico', 'image/x-icon'],
]);

/** The media type of an image that browsers show, by the name of the file; `null` for other files. */
export function imageTypeOf(path: string): string | null {
  const name = nameOf(path);
  return imageTypes.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase()) ?? null;
}

/**
 * @param isText reads an image as the text that it is, such as an SVG
 * @throws what `readPart` throws, except that a missing file is a result
 */
export async function readWholeFile(readPart: ReadPart, path: string, { isText = false } = {}): Promise<ReadFile> {
  if (!isText && imageTypeOf(path) !== null) return { kind: 'image' };
  try {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const file = await readParts(readPart, path);
      if (file !== null) return file;
    }
  } catch (error) {
    if (readError(error).code === 'NOT_FOUND') return { kind: 'missing' };
    throw error;
  }
  throw new Error(`“${path}” changes too often to be read. Try again.`);
}

/** Returns `null` when the file has changed between two parts. */
async function readParts(readPart: ReadPart, path: string): Promise<ReadFile | null> {
  const first = await readPart({ path, offset: 0 });
  const { size, version } = first;
  if (first.isBinary) return { kind: 'binary', size };
  if (version === null || size > maxEditableBytes) {
    return { kind: 'large', size, shown: first.content, nextOffset: first.nextOffset };
  }
  const builder = createTextBuilder();
  builder.add(first.content);
  for (let offset = first.nextOffset; offset !== null;) {
    const part: FileContent = await readPart({ path, offset });
    if (part.version !== version) return null;
    if (part.isBinary) return { kind: 'binary', size };
    builder.add(part.content);
    offset = part.nextOffset;
  }
  return { kind: 'text', version, ...builder.finish() };
}
