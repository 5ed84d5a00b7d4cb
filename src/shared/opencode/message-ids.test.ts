import { describe, expect, it } from 'vitest';

import { firstMessageId, messageIdAfter, textPartId } from './message-ids.ts';

describe('ids of prompts', () => {
  /** A session and the answer in it, as OpenCode 1.18 has numbered them. */
  const createdMs = 1_795_850_120_459;
  const answerId = 'msg_22102445f001i6lXKw5gavXnTV';

  it('sort before the answer to the first prompt', () => {
    expect(firstMessageId(createdMs)).toBe('msg_221022d0b00000000000000000');
    expect(firstMessageId(createdMs) < answerId).toBe(true);
  });

  it('sort after the newest message, and before anything that OpenCode writes a millisecond later', () => {
    const next = messageIdAfter(answerId);
    expect(next).toBe('msg_22102445f00200000000000000');
    expect(next !== null && next > answerId && next < 'msg_221024460001aaaaaaaaaaaaaa').toBe(true);
  });

  it('cannot follow an id that is not one of OpenCode', () => {
    expect(messageIdAfter('msg_foreign')).toBeNull();
  });

  it('belong to a text with an id of the same number', () => {
    expect(textPartId(firstMessageId(createdMs))).toBe('prt_221022d0b00000000000000000');
  });
});
