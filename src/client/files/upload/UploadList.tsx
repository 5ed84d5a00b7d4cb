/** The uploads that run, wait, have failed, or need an answer. */

import { ActionIcon, Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useEffect, useSyncExternalStore } from 'react';

import { useFiles } from '../files-context.ts';
import { formatBytes } from '../format-bytes.ts';
import { revealHidden } from '../reveal-hidden.ts';
import type { Upload } from './upload-store.ts';

import classes from './upload.module.css';

export function UploadList() {
  const { uploads, announce } = useFiles();
  const list = useSyncExternalStore(uploads.subscribe, uploads.get);
  const open = list.filter(({ state }) => state !== 'done');
  const existing = list.filter(({ state }) => state === 'exists').map(({ id }) => id);
  const isDone = list.length > 0 && open.length === 0;
  useEffect(() => {
    if (isDone) announce('The upload is complete.');
  }, [isDone, announce]);
  if (open.length === 0) return null;
  return (
    <section className={classes.root} aria-label="Uploads">
      {existing.length > 1 && (
        <p className={classes.all}>
          <span>{existing.length} files exist already.</span>
          <Button size="compact-xs" variant="default" onClick={() => uploads.retry(existing, { replace: true })}>
            Replace all
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => uploads.remove(existing)}>
            Skip all
          </Button>
        </p>
      )}
      <ul className={classes.list}>
        {open.map((upload) => (
          <li key={upload.id} className={classes.upload}>
            <UploadRow upload={upload} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function UploadRow({ upload }: { upload: Upload }) {
  const { uploads } = useFiles();
  const { id, size, sentBytes, state, message } = upload;
  const path = revealHidden(upload.path);
  const isQuestion = state === 'exists';
  return (
    <>
      <div className={classes.head}>
        <span className={classes.path} title={path}>
          {path}
        </span>
        {isQuestion || (
          <ActionIcon
            size={22}
            variant="subtle"
            color="gray"
            aria-label={state === 'failed' ? `Dismiss ${path}` : `Cancel the upload of ${path}`}
            onClick={() => uploads.remove([id])}
          >
            <IconX size={14} stroke={1.8} />
          </ActionIcon>
        )}
      </div>
      {state === 'running' && (
        <>
          <progress
            className={classes.bar}
            aria-label={`Upload of ${path}`}
            max={Math.max(size, 1)}
            value={sentBytes}
          />
          <span className={classes.note}>
            {formatBytes(sentBytes)} of {formatBytes(size)}
          </span>
        </>
      )}
      {state === 'waiting' && <span className={classes.note}>Waiting</span>}
      {(isQuestion || state === 'failed') && (
        <div className={classes.note} role="alert">
          <p>{isQuestion ? 'A file with this name exists already.' : message}</p>
          <div className={classes.actions}>
            <Button size="compact-xs" variant="default" onClick={() => uploads.retry([id], { replace: isQuestion })}>
              {isQuestion ? 'Replace it' : 'Try again'}
            </Button>
            {isQuestion && (
              <Button size="compact-xs" variant="default" onClick={() => uploads.remove([id])}>
                Skip
              </Button>
            )}
          </div>
        </div>
      )}
    </>
  );
}
