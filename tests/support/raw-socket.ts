/** A WebSocket on which a test sends arbitrary messages of the API's protocol. */

import { WebSocket } from 'ws';

export interface RawMessage {
  id: number | null;
  result?: { type: string; data?: { id: string; data: Record<string, unknown> } };
  error?: { message: string; data: Record<string, unknown> };
  method?: string;
}

export interface RawSocket {
  ws: WebSocket;
  /** All received messages. */
  messages: RawMessage[];
  send(message: unknown): void;
  /** Subscribes to `projects.onChange`. Resolves to the first event or to the error. */
  subscribe(id: number, input?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Resolves to the first received or future message that matches. */
  message(matches: (message: RawMessage) => boolean): Promise<RawMessage>;
  /** Resolves to the close code. */
  closed: Promise<number>;
  close(): void;
}

/** @throws Error with the status when the upgrade is refused */
export async function openSocket(
  serverUrl: string,
  options: { cookie?: string; origin?: string; token?: string; path?: string } = {},
): Promise<RawSocket> {
  const query = options.token === undefined ? '' : '?connectionParams=1';
  const ws = new WebSocket(`${serverUrl.replace(/^http/, 'ws')}${options.path ?? '/trpc'}${query}`, {
    headers: {
      ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      ...(options.origin === undefined ? {} : { origin: options.origin }),
    },
  });
  const messages: RawMessage[] = [];
  const waiters = new Set<() => void>();
  const closed = Promise.withResolvers<number>();
  ws.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text === 'PING' || text === 'PONG') return;
    messages.push(JSON.parse(text) as RawMessage);
    for (const waiter of waiters) waiter();
  });
  ws.on('close', (code) => closed.resolve(code));
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve());
    ws.once('error', reject);
    ws.once('unexpected-response', (_request, response) => reject(new Error(`refused with ${response.statusCode}`)));
  });
  ws.on('error', () => undefined); // tests check the close code
  const send = (message: unknown) => ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  if (options.token !== undefined) send({ method: 'connectionParams', data: { token: options.token } });

  const message = (matches: (message: RawMessage) => boolean) =>
    new Promise<RawMessage>((resolve) => {
      const look = () => {
        const found = messages.find(matches);
        if (!found) return;
        waiters.delete(look);
        resolve(found);
      };
      waiters.add(look);
      look();
    });

  return {
    ws,
    messages,
    send,
    message,
    async subscribe(id, input) {
      send({ id, method: 'subscription', params: { path: 'projects.onChange', input } });
      const first = await message(
        (one) => one.id === id && (one.error !== undefined || one.result?.data !== undefined),
      );
      return first.error ?? first.result?.data?.data ?? {};
    },
    closed: closed.promise,
    close: () => ws.close(),
  };
}
