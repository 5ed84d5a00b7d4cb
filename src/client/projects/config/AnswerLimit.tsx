/** The time limit for answers of a project. It is a setting of the project, so it needs no version. */

import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';

import { longestAnswerLimitMinutes, type Project } from '../../../shared/contract/project.ts';
import { readError } from '../../api/read-error.ts';
import { trpc } from '../../api/trpc.ts';
import { useApp } from '../../app-context.ts';
import { notifyDone } from '../../ui/notify.ts';
import { Section } from './Section.tsx';

import classes from './config.module.css';

export function AnswerLimit({ project }: { project: Project }) {
  const { projectCache } = useApp();
  const [text, setText] = useState<string | null>(null);
  const mutation = trpc.projects.update.useMutation({
    onSuccess(answer) {
      projectCache.writeAnswer(answer);
      setText(null);
      notifyDone('The time limit for answers is saved.');
    },
  });
  const { answerLimitMinutes } = project;
  const value = text ?? String(answerLimitMinutes);
  const minutes = Number(value);
  const isValid = /^\d+$/.test(value.trim()) && minutes >= 1 && minutes <= longestAnswerLimitMinutes;
  const problem = isValid ? (mutation.error ? readError(mutation.error).message : null) : 'Enter 1 to 10,080 minutes.';
  return (
    <Section
      title="Answers"
      text="A run that waits for your answer for longer than this is shown on every page and in the title of the window. The run itself goes on waiting."
    >
      <form
        className={classes.row}
        onSubmit={(event) => {
          event.preventDefault();
          if (isValid) mutation.mutate({ id: project.id, answerLimitMinutes: minutes });
        }}
      >
        <TextInput
          className={classes.narrow}
          label="Time limit for answers, in minutes"
          inputMode="numeric"
          value={value}
          error={text === null ? null : problem}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {text !== null && minutes !== answerLimitMinutes && (
          <Button type="submit" size="sm" variant="default" disabled={!isValid} loading={mutation.isPending}>
            Set
          </Button>
        )}
      </form>
    </Section>
  );
}
