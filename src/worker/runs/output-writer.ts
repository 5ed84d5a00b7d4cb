/** Turns the events of OpenCode into the live output of one run, and appends it to the stream of the run in small batches. */

import type { MessagePart, OutputEntry, TranscriptMessage } from '../../shared/contract/tasks.ts';
import type { MessageInfo, SessionMessage } from '../../shared/opencode/opencode-answers.ts';
import type { OpenCodeEvent } from '../../shared/opencode/opencode-events.ts';

/** Between two appends. What comes after a longer rest is appended at once. */
const flushMs = 50;
/** Longer texts are cut in the stream. The transcript has them. */
const maxPartLength = 20_000;
/** Entries that wait for Redis. More are dropped: the transcript has them. */
const maxWaiting = 1_000;

type OutputEvent = Exclude<OpenCodeEvent, { type: 'changed' }>;

export interface OutputWriter {
  write(event: OutputEvent): void;
  /** Repeats messages that are complete, because nobody may have passed on their events. */
  repeat(messages: SessionMessage[]): void;
  /** Deltas may have been missed: their place in the text is unknown until the whole part comes. */
  restart(): void;
  /** Resolves when everything was appended or dropped. */
  flush(): Promise<void>;
}

/** @param append rejects when Redis does not take the entries; then they are dropped */
export function createOutputWriter(append: (entries: OutputEntry[]) => Promise<void>): OutputWriter {
  /** The length of each text so far. */
  const lengths = new Map<string, number>();
  let waiting: OutputEntry[] = [];
  let timer: NodeJS.Timeout | null = null;
  let flushedAtMs = -Infinity;
  let running: Promise<void> = Promise.resolve();

  function add(entry: OutputEntry): void {
    if (waiting.length >= maxWaiting) return;
    const last = waiting.at(-1);
    const continues = entry.type === 'delta' && last?.type === 'delta' && last.partId === entry.partId;
    if (continues && last.offset + last.text.length === entry.offset) last.text += entry.text;
    else waiting.push(entry);
    timer ??= setTimeout(() => void flush(), Math.max(0, flushedAtMs + flushMs - performance.now()));
  }

  function flush(): Promise<void> {
    clearTimeout(timer ?? undefined);
    timer = null;
    flushedAtMs = performance.now();
    const entries = waiting;
    waiting = [];
    if (entries.length > 0) running = running.then(() => append(entries)).catch(() => undefined);
    return running;
  }

  return {
    write(event) {
      switch (event.type) {
        case 'message':
          return add({ type: 'message', message: withoutParts(event.message) });
        case 'part':
          if (event.part.type !== 'tool') lengths.set(event.part.id, event.part.text.length);
          return add({ type: 'part', messageId: event.messageId, part: shortened(event.part) });
        case 'delta': {
          const { messageId, partId, text } = event;
          const offset = lengths.get(partId);
          if (offset === undefined) return;
          lengths.set(partId, offset + text.length);
          return add({ type: 'delta', messageId, partId, offset, text });
        }
      }
    },
    repeat(messages) {
      for (const message of messages.filter(({ role, completedMs }) => role === 'user' || completedMs !== null)) {
        add({ type: 'message', message: withoutParts(message) });
        for (const part of message.parts) add({ type: 'part', messageId: message.id, part: shortened(part) });
      }
    },
    restart: () => lengths.clear(),
    flush,
  };
}

function withoutParts(message: MessageInfo): Omit<TranscriptMessage, 'parts'> {
  const { id, role, createdMs, completedMs, failure } = message;
  return {
    id,
    role,
    createdAt: new Date(createdMs).toISOString(),
    completedAt: completedMs === null ? null : new Date(completedMs).toISOString(),
    error: failure && `${failure.name}${failure.message === '' ? '' : `: ${failure.message}`}`,
  };
}

/** A message of OpenCode as people read it. */
export function toTranscriptMessage(message: MessageInfo & { parts: MessagePart[] }): TranscriptMessage {
  return { ...withoutParts(message), parts: message.parts };
}

function shortened(part: MessagePart): MessagePart {
  if (part.type === 'tool' || part.text.length <= maxPartLength) return part;
  return { ...part, text: part.text.slice(0, maxPartLength) };
}
