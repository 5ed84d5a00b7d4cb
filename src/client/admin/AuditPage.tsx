/** The audit log, with a search and an export. */

import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';

import { trpc } from '../api/trpc.ts';
import { notifyFailure } from '../ui/notify.ts';
import { Time } from '../ui/Time.tsx';
import { AdminFrame } from './AdminFrame.tsx';
import { csvOf } from './audit-csv.ts';
import { ListPart, useSearch } from './ListPart.tsx';

import classes from './admin.module.css';

export function AuditPage() {
  const { text, search, setText } = useSearch();
  const entries = trpc.admin.audit.useInfiniteQuery(
    { search },
    { getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined, placeholderData: (before) => before },
  );
  const items = entries.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <AdminFrame
      title="Audit log"
      description="Each sign-in, and each change that somebody has made or tried. Reading is not recorded."
    >
      <ListPart
        what="The audit log"
        search={{ label: 'Search by person, action or id', text, setText }}
        filters={<ExportButton search={search} />}
        query={entries}
        rows={items.length}
      >
        <table className={classes.table} aria-label="Audit log">
          <thead>
            <tr>
              <th scope="col">Action</th>
              <th scope="col">Person</th>
              <th scope="col">Result</th>
              <th scope="col">Time</th>
            </tr>
          </thead>
          <tbody>
            {items.map((entry) => (
              <tr key={entry.id}>
                <th scope="row">
                  {entry.action}
                  <span className={classes.second}>
                    {Object.entries(entry.details)
                      .map(([name, value]) => `${name} ${value}`)
                      .join(', ')}
                  </span>
                </th>
                <td>
                  {entry.actor}
                  <span className={classes.second}>{viaLabels[entry.via]}</span>
                </td>
                <td>{entry.outcome === 'done' ? 'Done' : `Refused: ${entry.outcome}`}</td>
                <td>
                  <Time iso={entry.at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListPart>
    </AdminFrame>
  );
}

const viaLabels = {
  session: 'in a browser',
  token: 'with an access token',
  'issuer-token': 'with a token of the sign-in service',
};

function ExportButton({ search }: { search: string }) {
  const { client } = trpc.useUtils();
  const [exporting, setExporting] = useState(false);

  async function exportAll(): Promise<void> {
    setExporting(true);
    try {
      const parts: string[] = [];
      // Entries that are added meanwhile would move the pages.
      const before = new Date().toISOString();
      for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
        const page = await client.admin.audit.query({ search, before, cursor, limit: 500 });
        parts.push(csvOf(page.items, { hasHead: isFirst }));
        cursor = page.nextCursor;
      }
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }));
      link.download = `audit-log-${before.slice(0, 10)}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) {
      notifyFailure('The audit log could not be exported', error);
    } finally {
      setExporting(false);
    }
  }

  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={16} stroke={1.6} />}
      loading={exporting}
      onClick={() => void exportAll()}
    >
      Export as CSV
    </Button>
  );
}
