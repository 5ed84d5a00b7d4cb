/** What the agent asks for: a permission, or the answer to questions. */

import { Button, Checkbox, Group, Radio, Stack, TextInput } from '@mantine/core';
import { IconShieldQuestion } from '@tabler/icons-react';
import { useState } from 'react';

import type { PendingRequest, RunAnswer } from '../../shared/contract/tasks.ts';
import { answersOf, isAnswered, permissionTitle, type Draft } from './request-answers.ts';

import '@mantine/core/styles/Checkbox.css';
import '@mantine/core/styles/Radio.css';
import classes from './pending-request.module.css';

interface RequestProps<Kind extends PendingRequest['type']> {
  request: Extract<PendingRequest, { type: Kind }>;
  isAnswering: boolean;
  onAnswer: (answer: RunAnswer) => void;
}

export function PendingRequestForm({ request, ...props }: RequestProps<PendingRequest['type']>) {
  return request.type === 'permission' ? (
    <PermissionForm request={request} {...props} />
  ) : (
    <QuestionForm request={request} {...props} />
  );
}

function PermissionForm({ request, isAnswering, onAnswer }: RequestProps<'permission'>) {
  const [instead, setInstead] = useState('');
  const reject = instead.trim() === '' ? {} : { message: instead };
  return (
    <section className={classes.root} aria-label="The agent asks for a permission">
      <p className={classes.title}>
        <IconShieldQuestion size={17} stroke={1.7} aria-hidden="true" /> {permissionTitle(request.permission)}
      </p>
      <pre className={classes.detail}>{request.detail ?? request.patterns.join('\n')}</pre>
      <Group gap="xs">
        <Button size="xs" loading={isAnswering} onClick={() => onAnswer({ type: 'permission', reply: 'once' })}>
          Allow once
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={isAnswering}
          title={request.always.length === 0 ? undefined : `Also later: ${request.always.join(', ')}`}
          onClick={() => onAnswer({ type: 'permission', reply: 'always' })}
        >
          Allow always
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={isAnswering}
          onClick={() => onAnswer({ type: 'permission', reply: 'reject', ...reject })}
        >
          Reject
        </Button>
      </Group>
      <TextInput
        size="xs"
        mt="xs"
        aria-label="What the agent should do instead"
        placeholder="If you reject: what should the agent do instead?"
        value={instead}
        onChange={(event) => setInstead(event.currentTarget.value)}
      />
    </section>
  );
}

function QuestionForm({ request, isAnswering, onAnswer }: RequestProps<'question'>) {
  const { questions } = request;
  const [drafts, setDrafts] = useState<Draft[]>(() => questions.map(() => ({ chosen: [], custom: '' })));
  const change = (index: number, draft: Draft): void =>
    setDrafts((before) => before.map((each, at) => (at === index ? draft : each)));
  return (
    <form
      className={classes.root}
      aria-label="The agent has a question"
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer({ type: 'question', answers: answersOf(questions, drafts) });
      }}
    >
      <Stack gap="md">
        {questions.map((question, index) => (
          <Question
            // oxlint-disable-next-line react/no-array-index-key -- questions have no id, and never change
            key={index}
            question={question}
            draft={drafts[index] ?? { chosen: [], custom: '' }}
            onChange={(draft) => change(index, draft)}
          />
        ))}
        <Group gap="xs">
          <Button type="submit" size="xs" loading={isAnswering} disabled={!isAnswered(questions, drafts)}>
            Answer
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={isAnswering}
            onClick={() => onAnswer({ type: 'question', answers: null })}
          >
            Dismiss
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface QuestionProps {
  question: Extract<PendingRequest, { type: 'question' }>['questions'][number];
  draft: Draft;
  onChange: (draft: Draft) => void;
}

function Question({ question, draft, onChange }: QuestionProps) {
  const { options, multiple, custom } = question;
  return (
    <fieldset className={classes.question}>
      <legend className={classes.title}>{question.question}</legend>
      <Stack gap={6}>
        {options.map(({ label, description }) => {
          const props = { label, description: description === '' ? undefined : description, size: 'xs' as const };
          return multiple ? (
            <Checkbox
              key={label}
              {...props}
              checked={draft.chosen.includes(label)}
              onChange={({ currentTarget: { checked } }) =>
                onChange({
                  ...draft,
                  chosen: checked ? [...draft.chosen, label] : draft.chosen.filter((each) => each !== label),
                })
              }
            />
          ) : (
            <Radio
              key={label}
              {...props}
              checked={draft.chosen.includes(label)}
              onChange={() => onChange({ chosen: [label], custom: '' })}
            />
          );
        })}
        {custom && (
          <TextInput
            size="xs"
            aria-label="Another answer"
            placeholder="Another answer"
            value={draft.custom}
            onChange={({ currentTarget: { value } }) =>
              onChange({ chosen: multiple || value === '' ? draft.chosen : [], custom: value })
            }
          />
        )}
      </Stack>
    </fieldset>
  );
}
