import { describe, expect, it } from 'vitest';

import { decodeActivityCursor, decodeCursor, encodeCursor } from './cursor.ts';

const refused = expect.objectContaining({
  code: 'VALIDATION_FAILED',
  fields: { cursor: expect.any(String) as string },
});

describe('a cursor of the list', () => {
  it('decodes to the position that it was made from', () => {
    const cursor = encodeCursor('name', { name: 'My Project', seq: 42 });
    expect(decodeCursor('name', cursor)).toEqual({ name: 'my project', seq: 42 });
  });

  it('is refused by a list of another sort', () => {
    const cursor = encodeCursor('name', { name: 'a', seq: 1 });
    expect(() => decodeCursor('createdAt', cursor)).toThrow(refused as Error);
  });

  it.each([
    ['text that is not base64', '!!!'],
    ['text that is not JSON', Buffer.from('{').toString('base64url')],
    ['a negative position', encodeCursor('name', { name: 'a', seq: -1 })],
    ['a position beyond every number', encodeCursor('name', { name: 'a', seq: 2 ** 60 })],
    ['a name that no project can have', encodeCursor('name', { name: "a'; drop", seq: 1 })],
    ['an unknown field', Buffer.from('{"sort":"name","seq":1,"name":"a","x":1}').toString('base64url')],
    ['a prototype', Buffer.from('{"__proto__":{"sort":"name","seq":1,"name":"a"}}').toString('base64url')],
  ])('is refused when it contains %s', (_what, cursor) => {
    expect(() => decodeCursor('name', cursor)).toThrow(refused as Error);
  });
});

describe('a cursor of the timeline', () => {
  it('is the id of an entry', () => {
    expect(decodeActivityCursor('17')).toBe('17');
  });

  it.each(['', '0', '-1', '1e3', '99999999999999999999', 'abc'])('is refused when it is "%s"', (cursor) => {
    expect(() => decodeActivityCursor(cursor)).toThrow(refused as Error);
  });
});
