/** What Kubernetes reports about a project, collapsed at first, and a button that copies a full report. */

import { Button, CopyButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { formatDateTime } from '../ui/format.ts';
import { diagnosisReport } from './diagnosis-report.ts';

import classes from './evidence.module.css';

export function Evidence({ project }: { project: Project }) {
  return (
    <details className={classes.root}>
      <summary className={classes.summary}>What Kubernetes says</summary>
      <ul className={classes.list}>
        {project.evidence.map(({ source, subject, reason, text, at, count }) => (
          <li key={`${source} ${subject} ${reason} ${text}`} className={classes.item}>
            <span className={classes.about}>
              {[`${source} ${subject}`, reason, count !== null && count > 1 ? `${count} times` : null]
                .filter(Boolean)
                .join(' · ')}
              {at !== null && <time dateTime={at}> · {formatDateTime(at)}</time>}
            </span>
            <code className={classes.text}>{text}</code>
          </li>
        ))}
      </ul>
      <CopyButton value={diagnosisReport(project)}>
        {({ copied, copy }) => (
          <Button
            size="compact-xs"
            variant="default"
            onClick={copy}
            leftSection={copied ? <IconCheck size={13} stroke={2} /> : <IconCopy size={13} stroke={1.6} />}
          >
            {copied ? 'Copied' : 'Copy diagnosis'}
          </Button>
        )}
      </CopyButton>
    </details>
  );
}
