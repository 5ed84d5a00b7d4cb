/**
 * Keeps the idle WebSockets of browsers open. A proxy in front of the gateway cuts a connection on which nothing arrives for a while;
 * nginx does so after 60 seconds, and the terminal of OpenCode is often silent for longer. The gateway writes a ping frame (RFC 6455,
 * section 5.5.2) between two frames of the pod. Browsers answer it by themselves.
 */

import type { Duplex } from 'node:stream';

import type { Clock } from '../shared/clock.ts';

/** With the interval of the checks below half a minute, which is half of what nginx allows. */
const pingAfterMs = 20_000;
const checkIntervalMs = 2_000;
/** A ping without payload. */
const pingFrame = Buffer.from([0x89, 0x00]);

export interface IdlePings {
  /**
   * @param browser the socket that gets the pings
   * @param pod the socket whose bytes are piped to the browser. It must be piped before.
   */
  watch(browser: Duplex, pod: Duplex): void;
  stop(): void;
}

export function createIdlePings({ clock }: { clock: Clock }): IdlePings {
  const checks = new Set<() => void>();
  const timer = setInterval(() => {
    for (const check of checks) check();
  }, checkIntervalMs);
  return {
    watch(browser, pod) {
      const frames = trackFrames();
      let lastSentAt = clock.monotonic();
      pod.on('data', (bytes: Buffer) => {
        lastSentAt = clock.monotonic();
        frames.pass(bytes);
      });
      const check = (): void => {
        if (clock.monotonic() - lastSentAt < pingAfterMs) return;
        // A browser that has not taken the last bytes yet needs no further ones.
        if (!frames.mayInsert() || !browser.writable || browser.writableLength > 0) return;
        lastSentAt = clock.monotonic();
        browser.write(pingFrame);
      };
      checks.add(check);
      browser.once('close', () => checks.delete(check));
      if (browser.destroyed) checks.delete(check);
    },
    stop: () => clearInterval(timer),
  };
}

/** Follows the frames in a stream of bytes (RFC 6455, section 5.2). */
export function trackFrames() {
  const header = Buffer.alloc(14);
  let headerBytes = 0;
  let payloadLeft = 0;
  let isClosing = false;
  return {
    pass(bytes: Buffer): void {
      for (let at = 0; at < bytes.length;) {
        if (payloadLeft > 0) {
          const passed = Math.min(payloadLeft, bytes.length - at);
          payloadLeft -= passed;
          at += passed;
          continue;
        }
        header[headerBytes++] = bytes[at++] ?? 0;
        if (headerBytes < 2 || headerBytes < headerLength(header)) continue;
        isClosing ||= ((header[0] ?? 0) & 0x0f) === 0x08;
        payloadLeft = payloadLength(header);
        headerBytes = 0;
      }
    },
    /** Whether another frame may be written here: between two frames, and not after the frame that ends the stream. */
    mayInsert: (): boolean => headerBytes === 0 && payloadLeft === 0 && !isClosing,
  };
}

/** @param header at least its first two bytes */
function headerLength(header: Buffer): number {
  const second = header[1] ?? 0;
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadLength(header: Buffer): number {
  const length = (header[1] ?? 0) & 0x7f;
  if (length === 126) return header.readUInt16BE(2);
  return length === 127 ? Number(header.readBigUInt64BE(2)) : length;
}
