/** What the reviewing agent says about the changes. */

import { IconCheck, IconMessageReport } from '@tabler/icons-react';

import type { Verdict } from '../../../shared/contract/tasks.ts';

import classes from './review.module.css';

export function VerdictView({ verdict: { decision, summary, comments } }: { verdict: Verdict }) {
  const isApproval = decision === 'approve';
  return (
    <section className={classes.verdict} aria-label="AI review" data-decision={decision}>
      <p className={classes.decision}>
        {isApproval ? (
          <IconCheck size={16} stroke={1.8} aria-hidden="true" />
        ) : (
          <IconMessageReport size={16} stroke={1.8} aria-hidden="true" />
        )}
        {isApproval ? 'The AI review approves' : 'The AI review asks for changes'}
      </p>
      {summary !== '' && <p className={classes.summary}>{summary}</p>}
      {comments.length > 0 && (
        <ul className={classes.comments}>
          {comments.map(({ path, line, text }, index) => (
            // oxlint-disable-next-line react/no-array-index-key -- the list never changes
            <li key={index}>
              {path !== null && <code>{line === null ? path : `${path}:${line}`}</code>} {text}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
