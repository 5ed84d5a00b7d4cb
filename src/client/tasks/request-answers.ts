/** What a person has entered for the questions of the agent, and the answer that it makes. Pure functions. */

import type { PendingRequest } from '../../shared/contract/tasks.ts';

type Question = Extract<PendingRequest, { type: 'question' }>['questions'][number];

/** For one question: the labels of the chosen options, and a text of one's own. */
export interface Draft {
  chosen: readonly string[];
  custom: string;
}

export function answersOf(questions: readonly Question[], drafts: readonly Draft[]): string[][] {
  return questions.map((question, index) => {
    const { chosen = [], custom = '' } = drafts[index] ?? {};
    // The order of the options, not the order of the clicks.
    const labels = question.options.map(({ label }) => label).filter((label) => chosen.includes(label));
    const text = question.custom ? custom.trim() : '';
    return text === '' ? labels : [...labels, text];
  });
}

/** Whether each question has an answer. */
export function isAnswered(questions: readonly Question[], drafts: readonly Draft[]): boolean {
  return answersOf(questions, drafts).every((answers) => answers.length > 0);
}

const permissionTitles: Readonly<Record<string, string>> = {
  bash: 'The agent wants to run a command',
  edit: 'The agent wants to change a file',
  webfetch: 'The agent wants to read a web page',
  websearch: 'The agent wants to search the web',
  external_directory: 'The agent wants to work outside of the project’s folder',
  doom_loop: 'The agent repeats itself. Should it continue?',
};

export function permissionTitle(permission: string): string {
  return permissionTitles[permission] ?? `The agent asks for the permission “${permission}”`;
}
