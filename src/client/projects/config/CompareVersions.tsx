/** What a version has changed: it beside the one before it. */

import { Modal } from '@mantine/core';
import { useMounted } from '@mantine/hooks';

import { trpc } from '../../api/trpc.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { CompareTexts } from './CompareTexts.tsx';
import type { ConfigText } from './use-config-draft.ts';

/** Document and rules as one text. */
export function wholeText({ document, rules }: ConfigText): string {
  return rules.trim() === '' ? document : `${document.trimEnd()}\n\n# Rules\n${rules}`;
}

interface CompareVersionsProps {
  projectId: string;
  /** `null`: nothing was before. */
  before: number | null;
  version: number;
  onClose: () => void;
}

export function CompareVersions({ projectId, before, version, onClose }: CompareVersionsProps) {
  const mounted = useMounted();
  const newer = trpc.config.version.useQuery({ id: projectId, version }, { staleTime: Infinity });
  const older = trpc.config.version.useQuery(
    { id: projectId, version: before ?? version },
    { staleTime: Infinity, enabled: before !== null },
  );
  const failed = [newer, older].find(({ isError }) => isError);
  const isLoaded = newer.data !== undefined && (before === null || older.data !== undefined);
  return (
    <Modal
      opened={mounted}
      onClose={onClose}
      size="min(1200px, 94vw)"
      title={before === null ? `Version ${version}` : `What version ${version} has changed`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {failed && (
        <LoadFailure what="The version" error={failed.error} retrying={false} onRetry={() => void failed.refetch()} />
      )}
      {!failed && !isLoaded && <PageLoading />}
      {isLoaded && (
        <CompareTexts
          left={{
            label: before === null ? 'Before' : `Version ${before}`,
            text: older.data ? wholeText(older.data) : '',
          }}
          right={{ label: `Version ${version}`, text: wholeText(newer.data) }}
        />
      )}
    </Modal>
  );
}
