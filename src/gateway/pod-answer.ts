/**
 * How the bytes of a pod's answer get to the browser. Node gives each part of an answer a buffer of its own, twice: for the read and for
 * the parsed body. The garbage collector frees them, and after each 40 MB of them it goes through all that the gateway keeps. For a
 * download that took two thirds of the processor time. So all reads share one buffer, and the memory of a part is freed when it is written.
 */

import { Agent } from 'node:http';
import { connect, type NetConnectOpts } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/** As much as Node reads at once from a socket. */
const readBytes = 64 * 1024;
/**
 * Bytes that may wait for a browser before its pod is no longer read. With a limit of one read the pod would be paused after each of them,
 * although the kernel has already taken it.
 */
const waitingBytes = 2 * readBytes;

/** Keeps connections to pods. It is for requests alone: a WebSocket would keep parts of what was read. */
export function createPodAgent(): Agent {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  const buffer = Buffer.alloc(readBytes);
  agent.createConnection = (options) => {
    const socket = connect({
      ...(options as NetConnectOpts), // of an agent for http
      onread: {
        buffer,
        // The parser listens, and copies what it keeps before it returns.
        callback(length) {
          socket.emit('data', buffer.subarray(0, length));
          return true;
        },
      },
    });
    return socket;
  };
  return agent;
}

/** Passes the body on at the pace of the browser. The head of the response has been written. */
export function passBody(body: Readable, response: Writable): void {
  body.on('data', (part: Buffer<ArrayBuffer>) => {
    const hasRoom = response.write(part, (error) => {
      if (!error) free(part); // after an error the kernel may not have finished with it
    });
    if (!hasRoom && response.writableLength > waitingBytes) body.pause();
  });
  response.on('drain', () => body.resume());
  body.once('end', () => response.end());
}

/** Frees the memory of a part that nobody needs any more, unless it is shared with others. */
function free(part: Buffer<ArrayBuffer>): void {
  if (part.byteLength === part.buffer.byteLength) part.buffer.transfer(0);
}
