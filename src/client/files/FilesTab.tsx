/**
 * The Files tab of a project: browse, edit and follow the files on its volume.
 *
 * - Entries, status and diffs of git come from the query cache, and are read again when `FollowChanges` reports a change.
 * - Open files are in the store of the project (`editor/file-store.ts`), which outlives the tab: unsaved texts are never lost.
 * - What is shown is in the address (`place.ts`).
 */

import { VisuallyHidden } from '@mantine/core';
import { useCallback, useEffect, useRef, useState, type Dispatch, type SetStateAction } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { count } from '../ui/format.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { notifyDone } from '../ui/notify.ts';
import { PageLoading } from '../ui/PageLoading.tsx';
import { useOnceTrue } from '../ui/use-once-true.ts';
import { FileDialogs } from './dialogs/FileDialogs.tsx';
import type { FileStore } from './editor/file-store.ts';
import { isUnsaved } from './editor/open-files.ts';
import { useFileNews } from './editor/use-file-news.ts';
import { useOpenFilesValue } from './editor/use-open-files.ts';
import { FilesContext, type FileDialog } from './files-context.ts';
import { FollowChanges } from './FollowChanges.tsx';
import { MainArea } from './MainArea.tsx';
import { hasNoFiles, NoFiles } from './NoFiles.tsx';
import { NotRunning, NotRunningBar } from './NotRunning.tsx';
import { revealHidden } from './reveal-hidden.ts';
import { QuickOpen } from './search/QuickOpen.tsx';
import { Sidebar } from './Sidebar.tsx';
import { useEntryActions } from './use-entry-actions.ts';
import { useFilesKeys } from './use-files-keys.ts';
import { useWorkspace } from './use-workspace.ts';

import './editor/code-colors.css';
import classes from './workspace.module.css';

export function FilesTab({ project }: { project: Project }) {
  const [dialog, ask] = useState<FileDialog | null>(null);
  const [announcement, setAnnouncement] = useState({ text: '', count: 0 });
  const [isWide, setWide] = useState(false);
  const workspace = useWorkspace({ project, ask, announce: useAnnounce(setAnnouncement) });
  const { context, expanded, rows, root, git, follow } = workspace;
  const actions = useEntryActions(context, expanded);
  const needsQuickOpen = useOnceTrue(dialog?.type === 'quick-open');
  const beforeQuickOpen = useRef<Element | null>(null);
  useFilesKeys({
    onQuickOpen: () => {
      beforeQuickOpen.current = document.activeElement;
      ask({ type: 'quick-open' });
    },
    onSave: () => {
      if (context.place.file !== null) void context.store.save(context.place.file);
    },
  });
  useKeptNotice(context.store);
  useFileNews(context.store, context.place.file, context.announce);
  const cancelQuickOpen = (): void => {
    ask(null);
    if (beforeQuickOpen.current instanceof HTMLElement) beforeQuickOpen.current.focus();
  };

  const unsaved = useOpenFilesValue(context.store, (files) => files.filter(isUnsaved).length);
  const isOpen = useOpenFilesValue(context.store, (files) => files.length > 0);
  const hasText = useOpenFilesValue(context.store, (files) => files.some(({ kind }) => kind === 'text'));
  const wasLoaded = root !== undefined && (root.entries.length > 0 || !root.isLoading) && root.problem === null;
  if (!context.isRunning && !wasLoaded && !hasText) {
    return <NotRunning project={project} unsaved={unsaved} />;
  }
  if (root?.problem != null && context.isRunning && !isOpen) {
    if (hasNoFiles(root.error)) return <NoFiles error={root.error} />;
    return (
      <LoadFailure what="The files" error={root.error} retrying={root.isLoading} onRetry={() => follow.refreshAll()} />
    );
  }
  if (!wasLoaded && !isOpen) return <PageLoading />;
  return (
    <FilesContext value={context}>
      <section
        className={classes.workspace}
        data-wide={isWide || undefined}
        data-screen={context.place.file === null ? 'side' : 'main'}
        aria-label="Files"
      >
        {!context.isRunning && <NotRunningBar project={project} />}
        <div className={classes.columns}>
          <Sidebar rows={rows} expanded={expanded} status={git.query} note={follow.note} />
          <MainArea isWide={isWide} onWide={setWide} />
        </div>
      </section>
      <VisuallyHidden>
        <output aria-live="polite">
          {/* Another element: the same text is read out again. */}
          <span key={announcement.count}>{announcement.text}</span>
        </output>
      </VisuallyHidden>
      <FileDialogs dialog={dialog} actions={actions} />
      {needsQuickOpen && <QuickOpen opened={dialog?.type === 'quick-open'} onCancel={cancelQuickOpen} />}
      {context.isRunning && <FollowChanges {...follow.props} />}
    </FilesContext>
  );
}

/** Leaving the tab loses no text, but the person has to come back to save it. */
function useKeptNotice(store: FileStore): void {
  useEffect(
    () => () => {
      const unsaved = store.get().filter(isUnsaved).length;
      if (unsaved > 0) notifyDone(`Unsaved changes in ${count(unsaved, 'file')} are kept. Save them in the Files tab.`);
    },
    [store],
  );
}

interface Announcement {
  text: string;
  /** Rises with each announcement. */
  count: number;
}

const useAnnounce = (set: Dispatch<SetStateAction<Announcement>>) =>
  useCallback((text: string) => set(({ count: before }) => ({ text: revealHidden(text), count: before + 1 })), [set]);
