/** The errors and warnings of a text, each with its place. */

import { IconAlertTriangle, IconCircleX } from '@tabler/icons-react';

import type { ConfigProblem } from '../../../shared/contract/check-config.ts';

import classes from './config.module.css';

export function Problems({ errors, warnings }: { errors: ConfigProblem[]; warnings: ConfigProblem[] }) {
  if (errors.length + warnings.length === 0) return null;
  return (
    <ul className={classes.problems} aria-label="Problems" aria-live="polite">
      {errors.map((problem) => (
        <Problem key={`e ${problem.path} ${problem.message}`} problem={problem} isError />
      ))}
      {warnings.map((problem) => (
        <Problem key={`w ${problem.path} ${problem.message}`} problem={problem} isError={false} />
      ))}
    </ul>
  );
}

function Problem({ problem: { path, message }, isError }: { problem: ConfigProblem; isError: boolean }) {
  const Icon = isError ? IconCircleX : IconAlertTriangle;
  return (
    <li data-bad={isError || undefined}>
      <Icon size={15} stroke={1.8} aria-label={isError ? 'Error' : 'Warning'} />
      <span>
        {path !== '' && (
          <>
            <code>{path}</code>{' '}
          </>
        )}
        {message}
      </span>
    </li>
  );
}
