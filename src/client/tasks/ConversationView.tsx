/** The conversation of a run: texts as they arrive, and what the agent did with its tools. */

import { UnstyledButton, VisuallyHidden } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconChevronRight, IconLoader2, type TablerIcon } from '@tabler/icons-react';
import { memo, useState } from 'react';

import type { MessagePart, TranscriptMessage } from '../../shared/contract/tasks.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { toolLine } from './tool-line.ts';
import { useRunOutput } from './use-run-output.ts';

import classes from './conversation.module.css';

export function ConversationView({ runId }: { runId: string }) {
  const { messages, isTruncated, isLoaded, error, retry } = useRunOutput(runId);
  if (error !== null && !isLoaded) {
    return <LoadFailure what="The conversation" error={error} retrying={false} onRetry={retry} />;
  }
  return (
    <section className={classes.root} aria-label="Conversation" aria-busy={!isLoaded}>
      {isTruncated && <p className={classes.note}>Earlier messages are not shown.</p>}
      {messages.map((message) => (
        <Message key={message.id} message={message} />
      ))}
      {isLoaded && messages.length === 0 && <p className={classes.note}>Nothing has been said yet.</p>}
    </section>
  );
}

const Message = memo(function Message({ message }: { message: TranscriptMessage }) {
  return (
    <article
      className={classes.message}
      data-role={message.role}
      aria-label={message.role === 'user' ? 'You' : 'Agent'}
    >
      {message.parts.map((part) => (
        <Part key={part.id} part={part} />
      ))}
      {message.error !== null && (
        <p className={classes.error}>
          <IconAlertTriangle size={15} stroke={1.8} aria-hidden="true" /> {message.error}
        </p>
      )}
    </article>
  );
});

const Part = memo(function Part({ part }: { part: MessagePart }) {
  switch (part.type) {
    case 'text':
      return part.text === '' ? null : <div className={classes.text}>{part.text}</div>;
    case 'reasoning':
      return part.text === '' ? null : <Fold title="Thoughts" content={part.text} />;
    case 'tool':
      return <Tool part={part} />;
  }
});

const toolIcons = {
  pending: IconLoader2,
  running: IconLoader2,
  completed: IconCheck,
  error: IconAlertTriangle,
} satisfies Record<Extract<MessagePart, { type: 'tool' }>['status'], TablerIcon>;

const toolLabels = { pending: 'prepared', running: 'running', completed: 'done', error: 'failed' } as const;

function Tool({ part }: { part: Extract<MessagePart, { type: 'tool' }> }) {
  const Icon = toolIcons[part.status];
  const content = [part.input, part.output].filter((text) => text !== '' && text !== '{}').join('\n\n');
  return (
    <Fold
      title={
        <>
          <span className={classes.toolState} data-status={part.status}>
            <Icon size={14} stroke={2} aria-hidden="true" />
            <VisuallyHidden>{toolLabels[part.status]}</VisuallyHidden>
          </span>
          <span className={classes.tool}>{part.tool}</span> <span className={classes.toolTitle}>{toolLine(part)}</span>
        </>
      }
      content={content}
    />
  );
}

function Fold({ title, content }: { title: React.ReactNode; content: string }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div className={classes.fold}>
      <UnstyledButton className={classes.foldHead} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <IconChevronRight size={14} stroke={1.8} aria-hidden="true" className={classes.chevron} data-open={isOpen} />
        {title}
      </UnstyledButton>
      {isOpen && <pre className={classes.content}>{content === '' ? 'There is no output.' : content}</pre>}
    </div>
  );
}
