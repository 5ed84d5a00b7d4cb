/**
 * Text that a user has typed into a form and not sent yet, kept in the session storage of the tab. It survives a reload and
 * a new sign-in. Sending or cancelling the form clears it.
 */

import type { z } from 'zod';

interface DraftStore<Draft> {
  read: () => Draft | null;
  write: (draft: Draft) => void;
  clear: () => void;
}

interface DraftOptions<Draft> {
  key: string;
  schema: z.ZodType<Draft>;
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/** Keeps a draft under one key. When the storage is blocked, or its text does not match the schema, there is no draft. */
export function createDraftStore<Draft>({ key, schema, storage }: DraftOptions<Draft>): DraftStore<Draft> {
  const name = `draft:${key}`;
  return {
    read() {
      try {
        const text = storage.getItem(name);
        return text === null ? null : (schema.safeParse(JSON.parse(text)).data ?? null);
      } catch {
        return null; // not JSON, or the browser blocks storage
      }
    },
    write(draft) {
      try {
        storage.setItem(name, JSON.stringify(draft));
      } catch {
        // The storage is full or blocked. The form still holds the text.
      }
    },
    clear() {
      try {
        storage.removeItem(name);
      } catch {
        // The storage is blocked, so nothing was written either.
      }
    },
  };
}
