/** A TCP connection on which a test sends arbitrary bytes. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawLine {
  socket: Socket;
  /** Everything received so far, as Latin-1, so one character is one byte. */
  received(): string;
  /** Resolves when the received text matches. */
  receives(pattern: RegExp): Promise<void>;
  /** Resolves when the other side has closed or reset the connection. */
  ended: Promise<void>;
}

export async function openLine(port: number): Promise<RawLine> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  const watchers = new Set<() => void>();
  const ended = Promise.withResolvers<void>();
  const received = () => Buffer.concat(chunks).toString('latin1');
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    for (const look of watchers) look();
  });
  socket.on('error', () => undefined); // a reset counts as an end here
  socket.once('end', () => {
    ended.resolve();
    socket.destroy();
  });
  socket.once('close', () => ended.resolve());
  await Promise.race([once(socket, 'connect'), ended.promise]);
  return {
    socket,
    received,
    receives: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!pattern.test(received())) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    ended: ended.promise,
  };
}

/** Sends all bytes, half-closes the connection, and resolves to everything received when the other side has closed. */
export async function sayAll(port: number, bytes: Buffer): Promise<string> {
  const line = await openLine(port);
  line.socket.end(bytes);
  await line.ended;
  return line.received();
}

/** The statuses of all received answers. An answer begins where the body of the one before ends. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

export interface Frame {
  fin: boolean;
  /** The three reserved bits. */
  reserved: number;
  opcode: number;
  masked: boolean;
  payload: Buffer;
  /** The length in the header, which may be wrong. */
  declared?: bigint;
}

/** The bytes of a WebSocket frame (RFC 6455, section 5.2), valid or not. */
export function frameBytes({ fin, reserved, opcode, masked, payload, declared }: Frame): Buffer {
  const length = declared ?? BigInt(payload.length);
  const first = (fin ? 0x80 : 0) | ((reserved & 7) << 4) | (opcode & 15);
  const maskBit = masked ? 0x80 : 0;
  const head =
    length < 126n
      ? Buffer.from([first, maskBit | Number(length)])
      : length < 65_536n
        ? Buffer.from([first, maskBit | 126, Number(length >> 8n), Number(length & 255n)])
        : Buffer.concat([Buffer.from([first, maskBit | 127]), bigEndian(length)]);
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, ...(masked ? [Buffer.alloc(4)] : []), payload]);
}

function bigEndian(length: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, length));
  return bytes;
}

/** The close codes of the frames that a server has sent, after the answer to the handshake. */
export function closeCodeOf(received: string): number | null {
  let bytes = Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1');
  while (bytes.length >= 2) {
    const short = (bytes[1] ?? 0) & 127;
    const size = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < size) return null;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (((bytes[0] ?? 0) & 15) === 8 && bytes.length >= size + 2) return bytes.readUInt16BE(size);
    bytes = bytes.subarray(size + length);
  }
  return null;
}
