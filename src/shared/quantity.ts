/** Amounts in the notation of Kubernetes, as far as the variables use it, and as texts for people. */

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

/** Whole numbers, so that sums are exact. */
export const thousandthsOf = (cores: string): number => Math.round(coresOf(cores) * 1_000);
export const wholeBytesOf = (text: string): number => Math.round(bytesOf(text));

/** "4 GiB", "1.5 TiB" or "512 MiB". */
export function bytesText(bytes: number): string {
  const [unit, length] = bytes >= 2 ** 40 ? ['TiB', 2 ** 40] : bytes >= 2 ** 30 ? ['GiB', 2 ** 30] : ['MiB', 2 ** 20];
  return `${rounded(bytes / length)} ${unit}`;
}

/** "2" or "0.5". */
export function coresText(thousandths: number): string {
  return rounded(thousandths / 1_000);
}

const rounded = (value: number): string => String(Math.round(value * 100) / 100);
