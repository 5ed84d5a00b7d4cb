/** The page with what models were used for in the user's projects. */

import { Anchor, Skeleton, Text, Title } from '@mantine/core';
import { IconChartBar } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';

import type { ModelUsage, TokenCounts } from '../../shared/contract/models.ts';
import { trpc } from '../api/trpc.ts';
import { formatDate } from '../ui/format.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';
import { estimateNote, formatCost, formatTokens } from './format-usage.ts';
import { SettingsNav } from './SettingsNav.tsx';
import { Total, UsagePeriod } from './UsageParts.tsx';

import settings from './settings.module.css';
import classes from './usage.module.css';

export function UsagePage() {
  const [days, setDays] = useState('30');
  const usage = trpc.models.usage.useQuery({ days: Number(days) });
  return (
    <div className={settings.root}>
      <PageTitle>Usage</PageTitle>
      <SettingsNav />
      <div className={classes.heading}>
        <div>
          <Title order={1}>Usage</Title>
          <Text c="dimmed" mt={4}>
            What models were used for in your projects.
          </Text>
        </div>
        <UsagePeriod days={days} onChange={setDays} />
      </div>
      {usage.isPending && <Skeleton height={160} mt="lg" radius="lg" />}
      {usage.isError && (
        <LoadFailure
          what="Your usage"
          error={usage.error}
          retrying={usage.isFetching}
          onRetry={() => void usage.refetch()}
        />
      )}
      {usage.data?.total.requests === 0 && (
        <Message icon={<IconChartBar size={22} stroke={1.6} />} title="Nothing was used">
          Requests of your projects to models appear here a moment after they have ended.
        </Message>
      )}
      {usage.data !== undefined && usage.data.total.requests > 0 && <UsageTables usage={usage.data} />}
    </div>
  );
}

function UsageTables({ usage }: { usage: ModelUsage }) {
  const { total, byDay, byProject, byModel, byRun } = usage;
  const note = estimateNote(total);
  return (
    <>
      <dl className={classes.totals}>
        <Total label="Tokens" value={formatTokens(total.inputTokens + total.outputTokens)} />
        <Total label="Requests" value={formatTokens(total.requests)} />
        <Total label="Cost" value={formatCost(total)} />
      </dl>
      {note !== null && (
        <Text size="xs" c="dimmed" mt="xs">
          {note}
        </Text>
      )}
      <UsageTable
        title="By model"
        rows={byModel.map((row) => ({
          ...row,
          key: `${row.provider}/${row.model}`,
          label: `${row.provider}/${row.model}`,
        }))}
      />
      <UsageTable
        title="By project"
        rows={byProject.map((row) => ({ ...row, key: row.projectId, label: <ProjectName project={row} /> }))}
      />
      {byRun.length > 0 && (
        <UsageTable
          title="By agent run"
          rows={byRun.map((row) => ({
            ...row,
            key: row.runId,
            label: (
              <Anchor component={Link} to={`/projects/${row.projectId}/tasks`} inherit>
                {row.taskTitle}
              </Anchor>
            ),
          }))}
        />
      )}
      <UsageTable
        title="By day"
        rows={byDay.map((row) => ({ ...row, key: row.day, label: formatDate(`${row.day}T12:00:00`) }))}
      />
    </>
  );
}

function ProjectName({ project }: { project: ModelUsage['byProject'][number] }) {
  if (project.isDeleted) return <>{project.projectName} (deleted)</>;
  return (
    <Anchor component={Link} to={`/projects/${project.projectId}`} inherit>
      {project.projectName}
    </Anchor>
  );
}

type Row = TokenCounts & { key: string; label: ReactNode };

function UsageTable({ title, rows }: { title: string; rows: Row[] }) {
  return (
    <section className={classes.section} aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <div className={classes.card}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{title.replace(/^By (\w)/, (_, first: string) => first.toUpperCase())}</th>
              <th scope="col">Input</th>
              <th scope="col" className={classes.optional}>
                of it cached
              </th>
              <th scope="col">Output</th>
              <th scope="col">Cost</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row">{row.label}</th>
                <td>{formatTokens(row.inputTokens)}</td>
                <td className={classes.optional}>{formatTokens(row.cachedInputTokens)}</td>
                <td>{formatTokens(row.outputTokens)}</td>
                <td>{formatCost(row)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
