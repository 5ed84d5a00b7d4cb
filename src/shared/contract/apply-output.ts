/** Applies live output to a conversation: a pure function for user interface and SDK. */

import type { MessagePart, RunOutputEvent, TranscriptMessage } from './tasks.ts';

/** The conversation after this event. Unchanged messages and parts stay the same objects. */
export function applyOutput(messages: readonly TranscriptMessage[], event: RunOutputEvent): TranscriptMessage[] {
  switch (event.type) {
    case 'snapshot':
      return event.messages;
    case 'ended':
      return [...messages];
    case 'message': {
      const known = messages.find(({ id }) => id === event.message.id);
      const message = { ...event.message, parts: known?.parts ?? [] };
      // Ids rise with time. An earlier message may arrive later, when another worker follows the run.
      return known
        ? replaceOrAppend(messages, message)
        : [...messages, message].toSorted((one, other) => (one.id < other.id ? -1 : 1));
    }
    case 'part':
      return changeParts(messages, event.messageId, (parts) => replaceOrAppend(parts, event.part));
    case 'delta':
      return changeParts(messages, event.messageId, (parts) => parts.map((part) => appendText(part, event)));
  }
}

function appendText(part: MessagePart, delta: { partId: string; offset: number; text: string }): MessagePart {
  if (part.id !== delta.partId || part.type === 'tool') return part;
  // Text in between is missing. The whole part follows when it is complete.
  if (part.text.length < delta.offset) return part;
  // An earlier text may be longer: this delta was applied before, or the part was complete already.
  if (part.text.length >= delta.offset + delta.text.length) return part;
  return { ...part, text: part.text.slice(0, delta.offset) + delta.text };
}

function changeParts(
  messages: readonly TranscriptMessage[],
  messageId: string,
  change: (parts: MessagePart[]) => MessagePart[],
): TranscriptMessage[] {
  return messages.map((message) => (message.id === messageId ? { ...message, parts: change(message.parts) } : message));
}

function replaceOrAppend<T extends { id: string }>(list: readonly T[], item: T): T[] {
  return list.some(({ id }) => id === item.id)
    ? list.map((each) => (each.id === item.id ? item : each))
    : [...list, item];
}
