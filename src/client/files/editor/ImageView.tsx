/** An image, drawn by the browser's `<img>` alone: scripts in an SVG do not run there. */

import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState, type ReactNode } from 'react';

import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { contentUrl } from '../download.ts';
import { useFiles } from '../files-context.ts';
import { formatBytes } from '../format-bytes.ts';
import { shownNameOf } from '../reveal-hidden.ts';
import type { OpenFile } from './open-files.ts';
import { imageTypeOf } from './read-file.ts';

import classes from './editor.module.css';

interface ImageViewProps {
  file: Extract<OpenFile, { kind: 'image' }>;
  download: ReactNode;
}

export function ImageView({ file, download }: ImageViewProps) {
  const { project, store } = useFiles();
  const { path, revision } = file;
  const query = useQuery({
    queryKey: ['project-image', project.id, path, revision],
    gcTime: 0,
    queryFn: async ({ signal }) => {
      const response = await fetch(contentUrl(project.id, path), { signal });
      if (!response.ok) throw new Error(`The server answered with ${response.status}.`);
      return new Blob([await response.arrayBuffer()], { type: imageTypeOf(path) ?? 'application/octet-stream' });
    },
    placeholderData: (before: Blob | undefined, earlier) => (earlier?.queryKey[2] === path ? before : undefined),
  });
  const url = useBlobUrl(query.data);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  if (query.isError) {
    return (
      <LoadFailure
        what="The image"
        error={query.error}
        retrying={query.isFetching}
        onRetry={() => void query.refetch()}
      />
    );
  }
  return (
    <>
      <div className={classes.image}>
        {url !== null && (
          <img
            src={url}
            alt={shownNameOf(path)}
            onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => setSize({ width, height })}
          />
        )}
      </div>
      <div className={classes.status}>
        <span className={classes.saveState}>
          {size !== null && `${size.width} × ${size.height}`}
          {query.data !== undefined && ` · ${formatBytes(query.data.size)}`}
        </span>
        {imageTypeOf(path) === 'image/svg+xml' && (
          <Button size="xs" variant="default" onClick={() => void store.showAsText(path)}>
            Edit as text
          </Button>
        )}
        {download}
      </div>
    </>
  );
}

/** The address of the bytes in this window, until others replace them. */
function useBlobUrl(blob: Blob | undefined): string | null {
  const url = useMemo(() => (blob === undefined ? null : URL.createObjectURL(blob)), [blob]);
  useEffect(() => {
    if (url === null) return;
    return () => {
      // Strict mode runs this once too often: the image has been decoded by then, or is read from the same bytes again.
      window.setTimeout(() => URL.revokeObjectURL(url), 1_000);
    };
  }, [url]);
  return url;
}
