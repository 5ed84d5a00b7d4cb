/** Amounts in the notation of Kubernetes, as far as the worker's variables use it. */

const units: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** @returns `NaN` if the text is no amount of bytes */
export function bytesOf(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)(k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text) ?? [];
  return amount === undefined ? Number.NaN : Number(amount) * (units[unit] ?? Number.NaN);
}

/** @returns `NaN` if the text is no amount of processor time */
export function coresOf(text: string): number {
  const [, amount, thousandths] = /^(\d{1,9}(?:\.\d{1,9})?)(m)?$/.exec(text) ?? [];
  return amount === undefined ? Number.NaN : Number(amount) / (thousandths === undefined ? 1 : 1_000);
}
