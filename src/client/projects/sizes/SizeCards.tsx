/** A choice of sizes: a card for each, with what it has and how many more of it fit. Below them, what the chosen one would meet. */

import { useId } from 'react';

import { allowanceText, offerOf } from '../../../shared/contract/allowance-text.ts';
import type { ProjectQuota, SizeOffer } from '../../../shared/contract/sizes.ts';
import { bytesText } from '../../../shared/quantity.ts';

import classes from './size-cards.module.css';

interface SizeCardsProps {
  quota: ProjectQuota;
  /** The name of the chosen size; `null`: the default. */
  value: string | null;
  onChange: (name: string) => void;
  /** What happens with the choice; `null`: nothing is created or started, and the volume stays as it is. */
  purpose: 'create' | null;
  disabled?: boolean;
}

export function SizeCards({ quota, value, onChange, purpose, disabled = false }: SizeCardsProps) {
  const name = useId();
  const chosen = offerOf(quota, value);
  const text = purpose === null || chosen === null ? null : allowanceText(chosen[purpose], chosen.label);
  return (
    <fieldset className={classes.root} disabled={disabled}>
      <legend>Size</legend>
      <div className={classes.cards}>
        {quota.sizes.map((size) => (
          <label key={size.name} className={classes.card}>
            <input
              type="radio"
              name={name}
              value={size.name}
              checked={size.name === chosen?.name}
              onChange={() => onChange(size.name)}
            />
            <span className={classes.label}>{size.label}</span>
            <span className={classes.amounts}>
              <span>{size.cpu} CPU</span>
              <span>{bytesText(size.memory)} memory</span>
              {purpose !== null && <span>{bytesText(size.storage)} storage</span>}
            </span>
            {purpose !== null && <More offer={size} purpose={purpose} />}
          </label>
        ))}
      </div>
      <p
        className={classes.text}
        aria-live="polite"
        data-refused={(chosen && purpose && chosen[purpose].refusal) != null}
      >
        {text}
      </p>
    </fieldset>
  );
}

function More({ offer, purpose }: { offer: SizeOffer; purpose: 'create' }) {
  const { more } = offer[purpose];
  if (more === null) return null;
  return <span className={classes.more}>{more === 0 ? 'No room' : `Room for ${more}`}</span>;
}
