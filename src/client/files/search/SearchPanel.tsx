/** Finds text in all files of the project. Each result opens at its line. */

import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { keepPreviousData } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import type { FileMatch } from '../../../shared/contract/files.ts';
import { readError } from '../../api/read-error.ts';
import { trpc } from '../../api/trpc.ts';
import { count } from '../../ui/format.ts';
import { useFiles } from '../files-context.ts';
import { folderOf, nameOf } from '../paths.ts';
import { revealHidden } from '../reveal-hidden.ts';
import { splitAtMatches } from './split-at-matches.ts';

import classes from './search.module.css';

const settleMs = 250;

export function SearchPanel({ query, onQuery }: { query: string; onQuery: (query: string) => void }) {
  const { project, isRunning } = useFiles();
  const field = useRef<HTMLInputElement>(null);
  const [settled] = useDebouncedValue(query, settleMs);
  useEffect(() => field.current?.focus(), []);
  const search = trpc.files.search.useQuery(
    { id: project.id, query: settled, mode: 'text' },
    { enabled: settled !== '' && isRunning, staleTime: 0, placeholderData: keepPreviousData },
  );
  const result = settled === '' ? undefined : search.data;
  return (
    <>
      <div className={classes.field}>
        <TextInput
          ref={field}
          size="xs"
          aria-label="Search in all files"
          placeholder="Search in all files"
          leftSection={<IconSearch size={14} stroke={1.7} />}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          value={query}
          onChange={(event) => onQuery(event.currentTarget.value)}
        />
      </div>
      <output className={classes.summary}>{summaryOf({ settled, result, error: search.error })}</output>
      {result !== undefined && <Results query={settled} matches={result.matches} />}
    </>
  );
}

function summaryOf(input: {
  settled: string;
  result: { matches: FileMatch[]; isTruncated: boolean } | undefined;
  error: unknown;
}): string {
  const { settled, result, error } = input;
  if (settled === '') return 'Type what to look for. Upper and lower case count as the same.';
  if (error !== null) return readError(error).message;
  if (result === undefined) return 'Searching…';
  if (result.matches.length === 0) return `No file contains “${settled}”.`;
  const files = new Set(result.matches.map(({ path }) => path)).size;
  const found = `${count(result.matches.length, 'line')} in ${count(files, 'file')}`;
  return result.isTruncated ? `${found}. There are more: search for a longer text.` : `${found}.`;
}

function Results({ query, matches }: { query: string; matches: readonly FileMatch[] }) {
  const { go } = useFiles();
  const [active, setActive] = useState<string | null>(null);
  const byFile = Map.groupBy(matches, ({ path }) => path);
  return (
    <ul className={classes.results} aria-label="Results">
      {[...byFile].map(([path, lines]) => (
        <li key={path}>
          <p className={classes.file} title={revealHidden(path)}>
            {revealHidden(nameOf(path))}
            <span className={classes.folder}>{revealHidden(folderOf(path))}</span>
          </p>
          <ul className={classes.lines}>
            {lines.map(({ line, text }, index) => {
              const id = `${path}:${line ?? 0}:${index}`;
              return (
                <li key={id}>
                  <button
                    type="button"
                    className={classes.line}
                    aria-current={active === id ? 'true' : undefined}
                    onClick={() => {
                      setActive(id);
                      go({ file: path, line });
                    }}
                  >
                    <span className={classes.number}>{line}</span>
                    <span className={classes.text}>
                      {splitAtMatches((text ?? '').trimStart(), query).map((part, place) =>
                        // oxlint-disable-next-line react/no-array-index-key -- the parts have no other identity
                        part.isMatch ? <mark key={place}>{part.text}</mark> : <span key={place}>{part.text}</span>,
                      )}
                    </span>
                  </button>
                </li>
              );
            })}
          </ul>
        </li>
      ))}
    </ul>
  );
}
