/** The events of OpenCode that matter to a run: output to show, and changes that are worth a look. Pure. */

import { z } from 'zod';

import { cleanText } from '../clean-texts.ts';
import type { MessagePart } from '../contract/tasks.ts';
import { parseJson } from '../parse-json.ts';
import { messageInfoSchema, partSchema, type MessageInfo } from './opencode-answers.ts';

export type OpenCodeEvent =
  | { type: 'delta'; sessionId: string; messageId: string; partId: string; text: string }
  | { type: 'part'; sessionId: string; messageId: string; part: MessagePart }
  | { type: 'message'; sessionId: string; message: MessageInfo }
  /** Something has changed that only reading shows. `null`: it may concern any session. */
  | { type: 'changed'; sessionId: string | null };

const maxDeltaLength = 20_000;

const envelopeSchema = z.object({
  payload: z.object({ type: z.string(), properties: z.looseObject({ sessionID: z.string().optional() }) }),
});
const deltaSchema = z.object({
  sessionID: z.string(),
  messageID: z.string(),
  partID: z.string(),
  field: z.literal('text'),
  delta: z.string(),
});
const partEventSchema = z.object({ sessionID: z.string(), part: z.looseObject({ messageID: z.string() }) });
const messageEventSchema = z.object({ sessionID: z.string(), info: messageInfoSchema });

/**
 * Joins a character that was cut between two deltas of one text, such as an emoji: its first half waits for the second.
 * @returns a function that maps each delta to what can be shown now
 */
export function createDeltaJoiner(): (partId: string, delta: string) => string {
  let waiting = { partId: '', half: '' };
  return (partId, delta) => {
    const text = waiting.partId === partId ? waiting.half + delta : delta;
    const half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? '';
    waiting = { partId, half };
    return half === '' ? text : text.slice(0, -1);
  };
}

/**
 * @param join of the stream that the event belongs to
 * @returns `null` for an event that concerns no run, or that cannot be read
 */
export function parseEvent(text: string, join: (partId: string, delta: string) => string): OpenCodeEvent | null {
  const envelope = envelopeSchema.safeParse(parseJson(text));
  if (!envelope.success) return null;
  const { type, properties } = envelope.data.payload;
  const sessionId = properties.sessionID ?? null;
  switch (type) {
    case 'message.part.delta': {
      const { data } = deltaSchema.safeParse(properties);
      if (!data) return null;
      const { sessionID, messageID: messageId, partID: partId, delta } = data;
      return {
        type: 'delta',
        sessionId: sessionID,
        messageId,
        partId,
        text: cleanText(join(partId, delta), maxDeltaLength),
      };
    }
    case 'message.part.updated': {
      const { data } = partEventSchema.safeParse(properties);
      const part = data && partSchema.safeParse(data.part);
      if (!data || !part?.success) return null;
      return { type: 'part', sessionId: data.sessionID, messageId: data.part.messageID, part: part.data };
    }
    case 'message.updated': {
      const { data } = messageEventSchema.safeParse(properties);
      return data ? { type: 'message', sessionId: data.sessionID, message: data.info } : null;
    }
    case 'session.status':
    case 'session.idle':
    case 'session.error':
    case 'session.diff':
    case 'session.deleted':
    case 'todo.updated':
      return { type: 'changed', sessionId };
    default:
      // Requests may belong to a session below the session of the run.
      return /^(?:permission|question)\./.test(type) ? { type: 'changed', sessionId: null } : null;
  }
}
