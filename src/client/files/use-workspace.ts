/** Brings the parts of the Files tab together: address, open files, folders, git, uploads, and the changes on the volume. */

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';

import type { FilesEvent } from '../../shared/contract/files.ts';
import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { trpc } from '../api/trpc.ts';
import { isUnsaved } from './editor/open-files.ts';
import { useOpenFilesValue } from './editor/use-open-files.ts';
import { fileStoreOf } from './file-stores.ts';
import { createEditorFocus, type FileDialog, type FilesContextValue } from './files-context.ts';
import { readPlace, writePlace, type Place } from './place.ts';
import { treeRows } from './tree/tree-rows.ts';
import { uploadStoreOf } from './upload/upload-stores.ts';
import { useExpanded } from './use-expanded.ts';
import { folderKey, useFolders, visibleFolders } from './use-folders.ts';
import { useGitRefresh, useGitStatus } from './use-git-status.ts';

interface WorkspaceInput {
  project: Project;
  ask: (dialog: FileDialog | null) => void;
  announce: (message: string) => void;
}

export function useWorkspace({ project, ask, announce }: WorkspaceInput) {
  const { client } = trpc.useUtils();
  const queryClient = useQueryClient();
  const { id } = project;
  const isRunning = project.status === 'ready';
  const mayWrite = roleMay(project.role, 'files.write');
  const store = fileStoreOf(id, client);
  const { place, go } = usePlace();
  const expanded = useExpanded(id);
  const paths = useMemo(() => visibleFolders(expanded.expanded), [expanded.expanded]);
  const folders = useFolders(id, paths, isRunning);
  const git = useGitStatus(id, isRunning);
  const refreshGit = useGitRefresh();
  const rows = useMemo(
    () => treeRows({ folders, expanded: expanded.expanded, git: git.marks }),
    [folders, expanded.expanded, git.marks],
  );
  const invalidate = (changed: readonly string[]): void => {
    for (const path of changed) void queryClient.invalidateQueries({ queryKey: folderKey(id, path), exact: true });
    refreshGit();
  };
  const uploads = uploadStoreOf(id, client);
  const onArrived = useEffectEvent((folder: string) => invalidate(['', folder]));
  useEffect(() => uploads.onArrived((folder) => onArrived(folder)), [uploads]);

  const close: FilesContextValue['close'] = (path, { isConfirmed = false } = {}) => {
    const open = store.get();
    const index = open.findIndex((file) => file.path === path);
    const file = open[index];
    if (file === undefined) return;
    if (!isConfirmed && isUnsaved(file)) return ask({ type: 'close', path });
    store.close(path);
    const neighbour = open[index + 1] ?? open[index - 1];
    if (place.file === path && place.view !== 'changes')
      go({ file: neighbour?.path ?? null, line: null }, { replace: true });
  };
  const [editorFocus] = useState(createEditorFocus);
  const context: FilesContextValue = {
    project,
    isRunning,
    mayWrite,
    client,
    store,
    uploads,
    place,
    go,
    ask: (dialog) => {
      if (mayWrite || dialog === null || dialog.type === 'close' || dialog.type === 'quick-open') ask(dialog);
    },
    invalidate,
    close,
    editorFocus,
    announce,
  };

  useShownFile({ place, store, reveal: expanded.reveal });
  const follow = useFollow({ project, isRunning, paths, context });
  return { context, expanded, rows, root: folders.get(''), git, follow };
}

function usePlace(): Pick<FilesContextValue, 'place' | 'go'> {
  const [params, setParams] = useSearchParams();
  const place = readPlace(params);
  return {
    place,
    go(change, { replace = false } = {}) {
      // From the address of this moment: two changes may follow each other before the next render.
      setParams(
        (now) => writePlace({ ...readPlace(now), ...(change.file !== undefined && { line: null }), ...change }),
        {
          replace,
        },
      );
    },
  };
}

/** Opens the file that the address names, and shows it in the tree. */
function useShownFile(input: {
  place: Place;
  store: FilesContextValue['store'];
  reveal: (path: string) => void;
}): void {
  const { place, store } = input;
  const { file, view } = place;
  const reveal = useEffectEvent(input.reveal);
  useEffect(() => {
    if (file === null || view === 'changes') return;
    store.open(file);
    reveal(file);
  }, [file, view, store]);
}

interface FollowInput {
  project: Project;
  isRunning: boolean;
  paths: readonly string[];
  context: FilesContextValue;
}

function useFollow({ project, isRunning, paths, context }: FollowInput) {
  const { store, invalidate } = context;
  const [note, setNote] = useState<string | null>(null);
  const refreshAll = (): void => {
    invalidate(paths);
    void store.refresh();
  };
  const onEvent = (event: FilesEvent): void => {
    switch (event.type) {
      case 'watching':
        setNote(null);
        // Changes before this moment were not reported.
        refreshAll();
        void store.resume();
        break;
      case 'changed':
        invalidate(event.folders);
        void store.refresh(event.files);
        break;
      case 'waiting':
        setNote(event.message);
        break;
    }
  };
  const files = useOpenFilesValue(store, (open) => JSON.stringify(open.map(({ path }) => path)));
  return {
    note: isRunning ? note : null,
    refreshAll,
    props: { projectId: project.id, folders: paths, files: JSON.parse(files) as string[], onEvent },
  };
}
