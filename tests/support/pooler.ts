/** Behaves at the start of a connection as a transaction pooler does with settings that it cannot keep. */

import { connect, createServer, type Socket } from 'node:net';

export interface Pooler {
  url: string;
  stop(): Promise<void>;
}

/** The settings that poolers do not know. PostgreSQL itself gets the others. */
const unknown = new Set(['options', 'statement_timeout', 'idle_in_transaction_session_timeout']);

/** @param how `ignores`: as with `ignore_startup_parameters` of PgBouncer; `refuses`: as without it */
export async function startPooler(databaseUrl: string, how: 'ignores' | 'refuses'): Promise<Pooler> {
  const url = new URL(databaseUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined); // the program under test has closed it
    client.once('data', (start) => {
      if (how === 'refuses') return void client.end(refusal('unsupported startup parameter: options'));
      const upstream = connect(target, () => upstream.write(withoutUnknown(start)));
      sockets.add(upstream);
      upstream.on('error', () => client.destroy());
      client.pipe(upstream).pipe(client);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url.host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    url: url.href,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A start message: its length, the version, and pairs of texts that end with a zero. */
function withoutUnknown(start: Buffer): Buffer {
  const texts = start.subarray(8).toString('latin1').split('\0');
  const kept = Array.from({ length: Math.floor(texts.length / 2) }, (_, at) => texts.slice(2 * at, 2 * at + 2))
    .filter(([name = '']) => name !== '' && !unknown.has(name))
    .flat();
  const body = Buffer.from(`${kept.join('\0')}\0\0`, 'latin1');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + body.length, 0);
  start.copy(head, 4, 4, 8);
  return Buffer.concat([head, body]);
}

function refusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E', 0);
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
}
