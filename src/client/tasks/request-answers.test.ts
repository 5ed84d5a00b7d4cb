import { describe, expect, it } from 'vitest';

import { answersOf, isAnswered } from './request-answers.ts';

const question = (fields: { labels: string[]; custom?: boolean; multiple?: boolean }) => ({
  header: '',
  question: 'Which?',
  options: fields.labels.map((label) => ({ label, description: '' })),
  multiple: fields.multiple ?? false,
  custom: fields.custom ?? false,
});

describe('the answers to questions', () => {
  it('have the order of the options, and the own text at the end', () => {
    const questions = [question({ labels: ['a', 'b', 'c'], multiple: true, custom: true })];
    expect(answersOf(questions, [{ chosen: ['c', 'a'], custom: ' mine ' }])).toEqual([['a', 'c', 'mine']]);
  });

  it('have no text where none may be given, and no option that does not exist', () => {
    expect(answersOf([question({ labels: ['a'] })], [{ chosen: ['z'], custom: 'mine' }])).toEqual([[]]);
  });

  it('are complete when each question has one', () => {
    const questions = [question({ labels: ['a'] }), question({ labels: [], custom: true })];
    expect(isAnswered(questions, [{ chosen: ['a'], custom: '' }])).toBe(false);
    expect(
      isAnswered(questions, [
        { chosen: ['a'], custom: '' },
        { chosen: [], custom: 'x' },
      ]),
    ).toBe(true);
  });
});
