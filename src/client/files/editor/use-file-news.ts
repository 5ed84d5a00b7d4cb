import { useEffect } from 'react';

import { useApp } from '../../app-context.ts';
import { fileNews } from './file-news.ts';
import type { FileStore } from './file-store.ts';

/** An agent may change a file many times a second. A reader says one change of them. */
const quietMs = 5_000;

/** Tells screen readers what happens to a file. */
export function useFileNews(store: FileStore, path: string | null, announce: (message: string) => void): void {
  const { clock } = useApp();
  useEffect(() => {
    const find = () => store.get().find((file) => file.path === path);
    let before = find();
    let saidAtMs = Number.NEGATIVE_INFINITY;
    return store.subscribe(() => {
      const after = find();
      const news = before !== undefined && after !== undefined && before !== after ? fileNews(before, after) : null;
      before = after;
      if (news === null) return;
      const nowMs = clock.monotonic();
      if (news.kind === 'outside' && nowMs - saidAtMs < quietMs) return;
      if (news.kind === 'outside') saidAtMs = nowMs;
      announce(news.message);
    });
  }, [store, path, announce, clock]);
}
