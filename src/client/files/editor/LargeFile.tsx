/** The beginning of a text that is too large to be edited here. */

import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';

import { maxEditableBytes } from '../../../shared/contract/file-limits.ts';
import { notifyFailure } from '../../ui/notify.ts';
import { useFiles } from '../files-context.ts';
import { formatBytes } from '../format-bytes.ts';
import { shownNameOf } from '../reveal-hidden.ts';
import type { OpenFile } from './open-files.ts';
import { ReadOnlyText } from './ReadOnlyText.tsx';

import classes from './editor.module.css';

interface LargeFileProps {
  file: Extract<OpenFile, { kind: 'large' }>;
  download: ReactNode;
}

export function LargeFile({ file, download }: LargeFileProps) {
  const { store } = useFiles();
  const [isLoading, setLoading] = useState(false);
  const { path, size, shown, nextOffset } = file;
  const showMore = async (): Promise<void> => {
    setLoading(true);
    await store
      .showMore(path)
      .catch((error: unknown) => notifyFailure(`“${shownNameOf(path)}” could not be read further`, error));
    setLoading(false);
  };
  return (
    <>
      <output className={classes.notice}>
        <span>
          {`This file has ${formatBytes(size)}. Files above ${formatBytes(maxEditableBytes)} cannot be edited here. `}
          {nextOffset !== null && `Its first ${formatBytes(nextOffset)} are shown.`}
        </span>
        <span className={classes.noticeActions}>
          {nextOffset !== null && (
            <Button size="compact-xs" variant="default" loading={isLoading} onClick={() => void showMore()}>
              Show more
            </Button>
          )}
          {download}
        </span>
      </output>
      <ReadOnlyText path={path} text={shown} />
    </>
  );
}
