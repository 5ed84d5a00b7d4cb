/** Saves or discards the text. It stays visible while there is something to save. */

import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';

import type { ConfigDraft } from './use-config-draft.ts';
import type { SaveConfig } from './use-save-config.ts';

import classes from './config.module.css';

export function SaveBar({ draft, saving }: { draft: ConfigDraft; saving: SaveConfig }) {
  const [comment, setComment] = useState('');
  const { errors } = draft.checked;
  return (
    <form
      className={classes.saveBar}
      aria-label="Save the configuration"
      onSubmit={(event) => {
        event.preventDefault();
        saving.save(comment.trim());
      }}
    >
      <output className={classes.saveText} data-bad={errors.length > 0 || saving.problem !== null || undefined}>
        {errors.length > 0 ? 'Correct the errors before you save.' : (saving.problem ?? unsavedText(draft))}
      </output>
      <TextInput
        className={classes.comment}
        aria-label="Comment on this version"
        placeholder="What changes, for the list of versions"
        maxLength={200}
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      <Button type="button" variant="default" size="sm" onClick={() => draft.discard()}>
        Discard
      </Button>
      <Button type="submit" size="sm" loading={saving.isSaving} disabled={errors.length > 0}>
        Save
      </Button>
    </form>
  );
}

const unsavedText = ({ isBehind }: ConfigDraft): string =>
  isBehind ? 'You have unsaved changes. A newer version was saved meanwhile.' : 'You have unsaved changes.';
