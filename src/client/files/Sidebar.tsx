/** The left side of the tab: the tree, the search in all files, or the changes. */

import { ActionIcon, Tooltip, VisuallyHidden } from '@mantine/core';
import {
  IconFilePlus,
  IconFiles,
  IconFolderPlus,
  IconFold,
  IconGitBranch,
  IconSearch,
  IconUpload,
} from '@tabler/icons-react';
import type { TablerIcon } from '@tabler/icons-react';
import { useState } from 'react';

import { ChangesList } from './changes/ChangesList.tsx';
import { useFiles } from './files-context.ts';
import type { FilesView } from './place.ts';
import { SearchPanel } from './search/SearchPanel.tsx';
import type { TreeRow } from './tree/tree-rows.ts';
import { Tree } from './tree/Tree.tsx';
import { addUploads } from './upload/add-uploads.ts';
import { chooseFiles } from './upload/choose-files.ts';
import { UploadList } from './upload/UploadList.tsx';
import type { Expanded } from './use-expanded.ts';
import type { useGitStatus } from './use-git-status.ts';

import classes from './workspace.module.css';

interface SidebarProps {
  rows: readonly TreeRow[];
  expanded: Expanded;
  status: ReturnType<typeof useGitStatus>['query'];
  /** Why changes do not arrive now, or `null`. */
  note: string | null;
}

export function Sidebar({ rows, expanded, status, note }: SidebarProps) {
  const { place, mayWrite, uploads, announce } = useFiles();
  const [search, setSearch] = useState('');
  return (
    <div className={classes.side}>
      <ViewSwitch changes={status.data?.files.length ?? 0} />
      {place.view === 'files' && (
        <>
          <TreeTools onCollapse={expanded.collapseAll} />
          <Tree
            rows={rows}
            onExpand={expanded.setExpanded}
            onUpload={(folder, files) => {
              if (mayWrite) addUploads(uploads, { folder, files, announce });
            }}
          />
        </>
      )}
      {place.view === 'search' && <SearchPanel query={search} onQuery={setSearch} />}
      {place.view === 'changes' && <ChangesList status={status} />}
      <UploadList />
      {note !== null && <output className={classes.note}>{note}</output>}
    </div>
  );
}

const views: { view: FilesView; label: string; icon: TablerIcon }[] = [
  { view: 'files', label: 'Files', icon: IconFiles },
  { view: 'search', label: 'Search', icon: IconSearch },
  { view: 'changes', label: 'Changes', icon: IconGitBranch },
];

function ViewSwitch({ changes }: { changes: number }) {
  const { place, go } = useFiles();
  return (
    <nav className={classes.views} aria-label="Views of the files">
      {views.map(({ view, label, icon: Icon }) => (
        <button
          key={view}
          type="button"
          className={classes.view}
          aria-current={place.view === view ? 'page' : undefined}
          onClick={() => go({ view })}
        >
          <Icon size={15} stroke={1.6} aria-hidden="true" />
          {label}
          {view === 'changes' && changes > 0 && (
            <span className={classes.badge}>
              {changes}
              <VisuallyHidden> changed files</VisuallyHidden>
            </span>
          )}
        </button>
      ))}
    </nav>
  );
}

function TreeTools({ onCollapse }: { onCollapse: () => void }) {
  const { ask, mayWrite, uploads, announce } = useFiles();
  const upload = async (): Promise<void> => addUploads(uploads, { folder: '', files: await chooseFiles(), announce });
  return (
    <div className={classes.tools} role="toolbar" aria-label="Actions for all files">
      {mayWrite && (
        <>
          <Tool label="New file" icon={IconFilePlus} onClick={() => ask({ type: 'new-file', path: '' })} />
          <Tool label="New folder" icon={IconFolderPlus} onClick={() => ask({ type: 'new-folder', path: '' })} />
          <Tool label="Upload files" icon={IconUpload} onClick={() => void upload()} />
        </>
      )}
      <Tool label="Collapse all folders" icon={IconFold} onClick={onCollapse} />
    </div>
  );
}

function Tool({ label, icon: Icon, onClick }: { label: string; icon: TablerIcon; onClick: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon className={classes.tool} variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        <Icon size={16} stroke={1.6} color="var(--mantine-color-dimmed)" />
      </ActionIcon>
    </Tooltip>
  );
}
