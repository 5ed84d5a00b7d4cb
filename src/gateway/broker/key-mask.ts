/** Removes a key from what a provider answers. Providers repeat parts of a wrong key in their errors. */

const replacement = '[key]';

export interface KeyMask {
  /** What may be sent on now. It keeps back the beginning of a key that may continue. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Removes the whole key from a stream, also where it is split between two chunks. */
export function createKeyMask(key: string): KeyMask {
  const secret = Buffer.from(key);
  let held: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const safe: Buffer[] = [];
      for (let at = rest.indexOf(secret); at >= 0; at = rest.indexOf(secret)) {
        safe.push(rest.subarray(0, at), Buffer.from(replacement));
        rest = rest.subarray(at + secret.length);
      }
      const keep = beginningAtEnd(rest, secret);
      held = rest.subarray(rest.length - keep);
      safe.push(rest.subarray(0, rest.length - keep));
      return safe.length === 1 ? rest.subarray(0, rest.length - keep) : Buffer.concat(safe);
    },
    end() {
      const last = held;
      held = Buffer.alloc(0);
      return last;
    },
  };
}

/** How many bytes at the end could be the beginning of the secret. */
function beginningAtEnd(bytes: Buffer, secret: Buffer): number {
  for (let length = Math.min(bytes.length, secret.length - 1); length > 0; length -= 1) {
    if (bytes.subarray(bytes.length - length).equals(secret.subarray(0, length))) return length;
  }
  return 0;
}

/** Removes the key from the text of an error, and each part of it: `sk-proj-****1234`, `sk-a...1234`, a piece of six characters. */
export function maskErrorText(text: string, key: string): string {
  return text
    .replaceAll(key, replacement)
    .replaceAll(/[\w-]*[*•]{2,}[\w*•-]*/g, replacement)
    .replaceAll(/([\w-]+)(?:\.{2,}|…)([\w-]+)/g, (whole, start: string, end: string) =>
      key.startsWith(start) || (end.length > 2 && key.endsWith(end)) ? replacement : whole,
    )
    .replaceAll(/[\w-]{6,}/g, (word) => (key.includes(word) ? replacement : word));
}
