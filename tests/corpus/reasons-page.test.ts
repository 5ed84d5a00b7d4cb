import { expect, it } from 'vitest';

import { reasonFacts, type ReasonCode } from '../../src/shared/contract/reasons.ts';
import { diagnoseSnapshot, readSnapshot, snapshotNames } from './snapshots.ts';

const cell = (text: string) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
const row = (...cells: string[]) => `| ${cells.map(cell).join(' | ')} |`;

function page(): string {
  const diagnosed = snapshotNames.map((name) => {
    const snapshot = readSnapshot(name);
    return { name, how: snapshot.how, ...diagnoseSnapshot(snapshot) };
  });
  const codes = Object.entries(reasonFacts).map(([code, { title, inKubernetes, toDo, actor }]) =>
    row(`\`${code}\``, title, inKubernetes, toDo, actor),
  );
  const snapshots = diagnosed.map(({ name, how, reason, message, nextStep, actor }) =>
    row(name, how, `\`${reason}\``, `${message} ${nextStep}`, actor),
  );
  return `# Reasons

Written by \`tests/corpus/reasons-page.test.ts\` from the table in \`src/shared/contract/reasons.ts\` and from what the engine says of
each captured situation; the test fails when this page says something else. After a change: \`npx vitest run tests/corpus --update\`.

## Every reason code

"Who" is who must act as a rule; a situation may say otherwise.

| Code | Title | In Kubernetes | What to do | Who |
|---|---|---|---|---|
${codes.join('\n')}

## Every situation

Captured from a real API server, scheduler, kubelet and container runtime, unless it says that it is from documentation. The files
are in \`tests/corpus/snapshots\`; \`tests/corpus/provoke.ts\` provokes most of them anew on any cluster.

| Situation | How it came about | Reason | Words | Who |
|---|---|---|---|---|
${snapshots.join('\n')}
`;
}

it('the page of the reasons says what the engine says', async () => {
  await expect(page()).toMatchFileSnapshot('../../docs/reasons.md');
});

it('every reason has a title, a look and an advice in words', () => {
  for (const [code, { title, inKubernetes, toDo }] of Object.entries(reasonFacts)) {
    expect(title.split(' ').length, code).toBeLessThanOrEqual(4);
    expect(title, code).toMatch(/^[A-Z]/);
    expect(inKubernetes, code).not.toBe('');
    expect(toDo, code).toMatch(/^[A-Z].*\.$/);
  }
});

it('nearly every reason about a pod is met by a situation', () => {
  const met = new Set(snapshotNames.map((name) => diagnoseSnapshot(readSnapshot(name)).reason));
  const ofOurs: ReasonCode[] = ['queued', 'stopped', 'deleting', 'archived', 'cluster-unreachable', 'internal-error'];
  const without = (Object.keys(reasonFacts) as ReasonCode[]).filter((code) => !met.has(code) && !ofOurs.includes(code)); // its own keys
  expect(without).toEqual([
    'cloning',
    'starting-slow',
    'node-silent',
    'image-pull-failed',
    'cluster-busy',
    'cluster-error',
  ]);
});
