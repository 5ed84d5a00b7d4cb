/** Somebody saved a newer version: both texts side by side, and two ways on. */

import { Button, Group, Modal } from '@mantine/core';
import { useMounted } from '@mantine/hooks';

import type { Config } from '../../../shared/contract/config.ts';
import { CompareTexts } from './CompareTexts.tsx';
import { wholeText } from './CompareVersions.tsx';
import type { ConfigDraft } from './use-config-draft.ts';
import type { SaveConfig } from './use-save-config.ts';

import classes from './config.module.css';

interface ConflictDialogProps {
  draft: ConfigDraft;
  config: Config;
  saving: SaveConfig;
}

export function ConflictDialog({ draft, config, saving }: ConflictDialogProps) {
  const mounted = useMounted();
  const { version } = config;
  return (
    <Modal
      opened={mounted}
      onClose={() => saving.closeConflict()}
      size="min(1200px, 94vw)"
      title={`Version ${version} was saved meanwhile`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p className={classes.dialogText}>
        Nothing is lost yet. Your text is kept in this window until you decide. Close this to go on editing it.
      </p>
      <CompareTexts
        left={{ label: `Version ${version}`, text: wholeText(config) }}
        right={{ label: 'Your text', text: wholeText(draft) }}
      />
      <Group justify="flex-end" mt="lg">
        <Button
          variant="default"
          onClick={() => {
            draft.discard();
            saving.closeConflict();
          }}
        >
          Take version {version}
        </Button>
        <Button loading={saving.isSaving} onClick={() => saving.save('', { baseVersion: version })}>
          Save my text as the next version
        </Button>
      </Group>
    </Modal>
  );
}
