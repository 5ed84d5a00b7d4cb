/** What the pages of usage share: the choice of a period, and one total. */

import { NativeSelect } from '@mantine/core';

import classes from './usage.module.css';

const periods = [
  { value: '1', label: 'Today (UTC)' },
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: '90', label: 'Last 90 days' },
];

/** @param props.days a number of days that the list offers, as a text */
export function UsagePeriod({ days, onChange }: { days: string; onChange: (days: string) => void }) {
  return (
    <NativeSelect
      aria-label="Period"
      data={periods}
      value={days}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

export function Total({ label, value }: { label: string; value: string }) {
  return (
    <div className={classes.total}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
