import { describe, expect, it } from 'vitest';

import { firstMessageId, isPromptOf, messageIdAfter, textPartId } from './message-ids.ts';

describe('ids of prompts', () => {
  /** A session and the answer in it, as OpenCode 1.18 has numbered them. */
  const createdMs = 1_795_850_120_459;
  const answerId = 'msg_22102445f001i6lXKw5gavXnTV';
  const runId = '0b5c4e1e-6a0f-4a56-8f5b-0f2d2f2f9c11';

  it('sort before the answer to the first prompt', () => {
    expect(firstMessageId(runId, createdMs)).toMatch(/^msg_221022d0b000[0-9a-f]{14}$/);
    expect(firstMessageId(runId, createdMs) < answerId).toBe(true);
  });

  it('sort after the newest message, and before anything that OpenCode writes a millisecond later', () => {
    const next = messageIdAfter(runId, answerId);
    expect(next).toMatch(/^msg_22102445f002[0-9a-f]{14}$/);
    expect(next !== null && next > answerId && next < 'msg_221024460001aaaaaaaaaaaaaa').toBe(true);
  });

  it('cannot follow an id that is not one of OpenCode', () => {
    expect(messageIdAfter(runId, 'msg_foreign')).toBeNull();
  });

  it('belong to a text with an id of the same number', () => {
    expect(textPartId(firstMessageId(runId, createdMs))).toMatch(/^prt_221022d0b000[0-9a-f]{14}$/);
  });

  it('name the run whose prompts they are, and no other run', () => {
    const next = messageIdAfter(runId, answerId) ?? '';
    for (const id of [firstMessageId(runId, createdMs), next]) expect(isPromptOf(runId, id)).toBe(true);
    expect(isPromptOf(runId, answerId)).toBe(false);
    expect(isPromptOf('another', next)).toBe(false);
  });
});
