/** Writes unsaved texts to the storage of the window while they are typed, and warns before the window is closed. */

import type { Text } from '@codemirror/state';

import type { DraftStorage } from './draft-storage.ts';
import type { FileStore } from './file-store.ts';
import { toContent } from './line-endings.ts';
import { isUnsaved } from './open-files.ts';

const delayMs = 400;
/** Writing a large text stops the page for a moment. It is written when the page is hidden, reloaded or closed. */
const largeLength = 500_000;

/** Lives as long as the store. */
export function keepDrafts(store: FileStore, drafts: DraftStorage, window: Window): void {
  const written = new Map<string, Text>();
  let timer = 0;

  function write({ withLarge }: { withLarge: boolean }): void {
    window.clearTimeout(timer);
    for (const file of store.get()) {
      if (file.kind !== 'text') continue;
      if (!isUnsaved(file)) {
        drafts.remove(file.path);
        written.delete(file.path);
      } else if (written.get(file.path) !== file.current && (withLarge || file.current.length <= largeLength)) {
        const content = toContent({ text: file.current, lineEnding: file.lineEnding });
        drafts.write(file.path, { content, version: file.version });
        written.set(file.path, file.current);
      }
    }
  }
  const writeAll = (): void => write({ withLarge: true });
  store.subscribe(() => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => write({ withLarge: false }), delayMs);
  });
  window.addEventListener('pagehide', writeAll);
  window.document.addEventListener('visibilitychange', () => {
    if (window.document.visibilityState === 'hidden') writeAll();
  });
  window.addEventListener('beforeunload', (event) => {
    writeAll();
    if (store.get().some(isUnsaved)) event.preventDefault();
  });
}
