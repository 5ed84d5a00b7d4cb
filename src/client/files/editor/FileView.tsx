/** The content of the shown file, in the way that suits it: editor, image, beginning of a large text, or a message. */

import { Button } from '@mantine/core';
import { IconFileOff, IconFileUnknown } from '@tabler/icons-react';

import { lazyPart } from '../../ui/lazy-part.ts';
import { Message } from '../../ui/Message.tsx';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { downloadUrl } from '../download.ts';
import { useFiles } from '../files-context.ts';
import { formatBytes } from '../format-bytes.ts';
import { revealHidden, shownNameOf } from '../reveal-hidden.ts';
import { ImageView } from './ImageView.tsx';
import { Notices } from './Notices.tsx';
import type { OpenFile } from './open-files.ts';

const LargeFile = lazyPart(async () => (await import('./LargeFile.tsx')).LargeFile);
const ReadOnlyText = lazyPart(async () => (await import('./ReadOnlyText.tsx')).ReadOnlyText);
const TextEditor = lazyPart(async () => (await import('./TextEditor.tsx')).TextEditor);

export function FileView({ file }: { file: OpenFile }) {
  const { store, project, mayWrite, close } = useFiles();
  const { path } = file;
  const download = (
    <Button component="a" href={downloadUrl(project.id, path, false)} download variant="default" size="xs">
      Download
    </Button>
  );
  switch (file.kind) {
    case 'loading':
      return <PageLoading />;
    case 'text':
      if (!mayWrite) return <ReadOnlyText path={path} text={file.current.toString()} />;
      return (
        <>
          <Notices file={file} />
          <TextEditor file={file} />
        </>
      );
    case 'large':
      return <LargeFile file={file} download={download} />;
    case 'image':
      return <ImageView file={file} download={download} />;
    case 'binary':
      return (
        <Message icon={<IconFileUnknown size={22} stroke={1.6} />} title="This file is not text" actions={download}>
          {`“${shownNameOf(path)}” has ${formatBytes(file.size)} of binary data, which cannot be shown here.`}
        </Message>
      );
    case 'missing':
      return (
        <Message
          icon={<IconFileOff size={22} stroke={1.6} />}
          title="There is no such file"
          actions={
            <Button variant="default" size="xs" onClick={() => close(path)}>
              Close
            </Button>
          }
        >
          {`“${revealHidden(path)}” was deleted or renamed. It is shown again as soon as it exists.`}
        </Message>
      );
    case 'failed':
      return (
        <Message
          role="alert"
          icon={<IconFileOff size={22} stroke={1.6} />}
          title={`“${shownNameOf(path)}” could not be read`}
          actions={
            <Button variant="default" size="xs" onClick={() => void store.retry(path)}>
              Try again
            </Button>
          }
        >
          {file.draft === null ? file.message : `${file.message} Your unsaved changes are kept.`}
        </Message>
      );
  }
}
