/** A further message to the agent, in the session of a run that has ended. */

import { Button, Textarea } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useState } from 'react';

import { useKeyHint } from '../ui/use-key-hint.ts';

import classes from './task-panel.module.css';

export function FollowUp({ isSending, onSend }: { isSending: boolean; onSend: (text: string) => Promise<unknown> }) {
  const [text, setText] = useState('');
  const keyHint = useKeyHint('Ctrl + Enter sends');
  const isEmpty = text.trim() === '';
  const send = (): void => {
    if (isEmpty || isSending) return;
    // After a failure the text stays, and a notification says why.
    onSend(text).then(
      () => setText(''),
      () => undefined,
    );
  };
  return (
    <form
      className={classes.followUp}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        aria-label="Follow-up to the agent"
        placeholder="Tell the agent what to do next"
        description={keyHint}
        inputWrapperOrder={['input', 'description']}
        autosize
        minRows={2}
        maxRows={10}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          send();
        }}
      />
      <Button
        type="submit"
        size="xs"
        disabled={isEmpty}
        loading={isSending}
        leftSection={<IconSend size={15} stroke={1.7} />}
      >
        Send
      </Button>
    </form>
  );
}
