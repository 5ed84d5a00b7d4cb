/** The open streams of the API: watches and followed logs. They are ended properly when the API stops. */

import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** How long clients may take to receive the end of their stream. */
const endTimeoutMs = 100;
/** How long TLS may take to send the last bytes. */
const flushMs = 20;

export function createOpenStreams() {
  const streams = new Map<ServerResponse, () => void>();
  let isStopping = false;

  return {
    /** @param end ends the stream */
    track(response: ServerResponse, end: () => void): void {
      if (isStopping) {
        end();
        return;
      }
      streams.set(response, end);
      response.on('close', () => streams.delete(response));
    },

    /** Ends all streams, and each stream that is opened from now on. */
    async endAll(): Promise<void> {
      isStopping = true;
      const finished = [...streams.keys()].map(
        async (response) => await new Promise<void>((resolve) => void response.once('finish', () => resolve())),
      );
      for (const end of streams.values()) end();
      const timeout = new AbortController();
      const { signal } = timeout;
      await Promise.race([Promise.all(finished), delay(endTimeoutMs, undefined, { signal }).catch(() => undefined)]);
      timeout.abort();
      // Closing the server cuts idle connections off, even if TLS has not sent their last bytes yet.
      if (finished.length > 0) await delay(flushMs);
    },
  };
}
