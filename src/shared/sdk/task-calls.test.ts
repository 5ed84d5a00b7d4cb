import { TRPCClientError } from '@trpc/client';
import { expect, it } from 'vitest';

import type { TaskEvent } from '../contract/tasks.ts';
import { createTaskCalls } from './task-calls.ts';

it('a watch that begins while the socket breaks begins again', async () => {
  const snapshot: TaskEvent = { type: 'snapshot', tasks: [] };
  let begun = 0;
  const onChange = {
    subscribe(_input: object, handlers: { onData: (event: TaskEvent) => void; onError: (error: unknown) => void }) {
      begun += 1;
      // What the library reports for a message that it could not send.
      if (begun === 1) queueMicrotask(() => handlers.onError(new TRPCClientError('Active connection is not open')));
      else queueMicrotask(() => handlers.onData(snapshot));
      return { unsubscribe: () => undefined };
    },
  };
  const trpc = { tasks: { onChange } } as unknown as Parameters<typeof createTaskCalls>[0]; // the part that a watch uses
  const events: TaskEvent[] = [];
  for await (const event of createTaskCalls(trpc, new AbortController().signal).watch('project')) {
    events.push(event);
    break;
  }
  expect(events).toEqual([snapshot]);
  expect(begun).toBe(2);
});
