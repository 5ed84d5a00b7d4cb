/** How much of the installation is used, and by whom. */

import { Skeleton, Title } from '@mantine/core';
import { useState } from 'react';

import { trpc } from '../api/trpc.ts';
import { estimateNote, formatCost, formatTokens } from '../settings/format-usage.ts';
import { Total, UsagePeriod } from '../settings/UsageParts.tsx';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { AdminFrame } from './AdminFrame.tsx';
import { statusLabels } from './status-labels.ts';

import usageClasses from '../settings/usage.module.css';
import classes from './admin.module.css';

export function AdminUsagePage() {
  const [days, setDays] = useState('30');
  const usage = trpc.admin.usage.useQuery({ days: Number(days) }, { placeholderData: (before) => before });
  const note = usage.data ? estimateNote(usage.data.total) : null;
  return (
    <AdminFrame title="Usage" description="What everybody uses together, and who uses the most of the models.">
      <div className={classes.filters}>
        <UsagePeriod days={days} onChange={setDays} />
      </div>
      {usage.isPending && <Skeleton height={160} mt="lg" radius="lg" />}
      {usage.isError && (
        <LoadFailure
          what="The usage"
          error={usage.error}
          retrying={usage.isFetching}
          onRetry={() => void usage.refetch()}
        />
      )}
      {usage.data && (
        <>
          <dl className={usageClasses.totals}>
            <Total label="People" value={String(usage.data.people)} />
            {usage.data.projects.map(({ status, count }) => (
              <Total key={status} label={`Projects: ${statusLabels[status]}`} value={String(count)} />
            ))}
            <Total label="Tokens" value={formatTokens(usage.data.total.inputTokens + usage.data.total.outputTokens)} />
            <Total label="Cost of models" value={formatCost(usage.data.total)} />
          </dl>
          {note !== null && <p className={classes.second}>{note}</p>}
          {usage.data.byPerson.length > 0 && (
            <section className={usageClasses.section} aria-label="By person">
              <Title order={2} size="h4">
                By person
              </Title>
              <div className={classes.card}>
                <table className={classes.table}>
                  <thead>
                    <tr>
                      <th scope="col">Person</th>
                      <th scope="col">Requests</th>
                      <th scope="col">Input</th>
                      <th scope="col">Output</th>
                      <th scope="col">Cost</th>
                    </tr>
                  </thead>
                  <tbody>
                    {usage.data.byPerson.map((row) => (
                      <tr key={row.userId}>
                        <th scope="row">
                          {row.name}
                          <span className={classes.second}>{row.email}</span>
                        </th>
                        <td className={classes.number}>{formatTokens(row.requests)}</td>
                        <td className={classes.number}>{formatTokens(row.inputTokens)}</td>
                        <td className={classes.number}>{formatTokens(row.outputTokens)}</td>
                        <td className={classes.number}>{formatCost(row)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </section>
          )}
        </>
      )}
    </AdminFrame>
  );
}
