/**
 * What a person typed into a dialog and did not send yet, kept for this tab. It outlives a sign-in in between, which
 * leaves the page; sending it or cancelling removes it.
 */

import type { z } from 'zod';

export interface DraftStore<Draft> {
  read: () => Draft | null;
  write: (draft: Draft) => void;
  clear: () => void;
}

export interface DraftOptions<Draft> {
  key: string;
  schema: z.ZodType<Draft>;
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/** A draft under one key. A storage that refuses, or holds something else, counts as empty. */
export function createDraftStore<Draft>({ key, schema, storage }: DraftOptions<Draft>): DraftStore<Draft> {
  const name = `draft:${key}`;
  return {
    read() {
      try {
        const text = storage.getItem(name);
        return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null);
      } catch {
        return null; // not JSON, or storage is switched off: there is no draft then
      }
    },
    write(draft) {
      try {
        storage.setItem(name, JSON.stringify(draft));
      } catch {
        // Full or switched off: the dialog itself still holds the text.
      }
    },
    clear() {
      try {
        storage.removeItem(name);
      } catch {
        // Switched off: nothing was written either.
      }
    },
  };
}
