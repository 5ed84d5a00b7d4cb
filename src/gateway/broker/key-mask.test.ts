import { describe, expect, it } from 'vitest';

import { createKeyMask, maskErrorText } from './key-mask.ts';

const key = 'sk-proj-AbCdEfGhIjKlMnOp1234';

function masked(text: string, chunkBytes: number): string {
  const mask = createKeyMask(key);
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) parts.push(mask.push(bytes.subarray(at, at + chunkBytes)));
  return Buffer.concat([...parts, mask.end()]).toString();
}

describe('the mask of a key', () => {
  it.each([1, 2, 5, 13, 27, 28, 29, 1_000])(
    'removes the key from a stream in chunks of %i bytes, and nothing else',
    (size) => {
      expect(masked(`a ${key} b ${key}${key} sk-proj-AbCd ü ${key}`, size)).toBe(
        'a [key] b [key][key] sk-proj-AbCd ü [key]',
      );
      expect(masked(`the end sk-proj-AbC`, size)).toBe('the end sk-proj-AbC');
    },
  );

  it('keeps nothing back that cannot be the beginning of the key', () => {
    const mask = createKeyMask(key);
    expect(mask.push(Buffer.from('data: hello\n\n')).toString()).toBe('data: hello\n\n');
  });

  it.each([
    [`Incorrect API key provided: ${key}. You can find it here.`],
    ['Incorrect API key provided: sk-proj-********************1234. You can find it here.'],
    ['Incorrect API key provided: sk-p...1234. You can find it here.'],
    ['Incorrect API key provided: sk-proj-AbCdEf. You can find it here.'],
  ])('removes the parts of a key from %j', (text) => {
    expect(maskErrorText(text, key)).toBe('Incorrect API key provided: [key]. You can find it here.');
  });

  it('leaves other texts as they are', () => {
    const text = 'The model claude-sonnet-4-5 is overloaded... Try again at https://example.com/a-b';
    expect(maskErrorText(text, key)).toBe(text);
  });
});
