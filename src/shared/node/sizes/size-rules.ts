/**
 * Sizes of projects and what one person may use at the same time, from variables that server, gateway and worker share. Amounts are
 * texts in the notation of Kubernetes.
 */

import { z } from 'zod';

import { AppError } from '../../contract/errors.ts';
import { sizeNamePattern } from '../../contract/sizes.ts';
import { bytesOf, coresOf, thousandthsOf, wholeBytesOf } from '../../quantity.ts';
import { cpuQuantity, bytesQuantity } from './quantities.ts';

/** What a project gets. */
export interface ProjectSize {
  name: string;
  label: string;
  /** The limits of OpenCode's container. */
  cpu: string;
  memory: string;
  /** The size of the volume. */
  storage: string;
  /** What a node must have free for OpenCode's container. */
  cpuRequest: string;
  memoryRequest: string;
  isDefault: boolean;
}

/** `null`: as much as people like. CPU in thousandths of a core, the others in bytes. */
export interface QuotaLimits {
  projects: number | null;
  cpu: number | null;
  memory: number | null;
  storage: number | null;
}

export interface SizeRules {
  /** Empty: the installation has no sizes. Otherwise one is the default. */
  sizes: readonly ProjectSize[];
  limits: QuotaLimits;
}

export const noSizeRules: SizeRules = {
  sizes: [],
  limits: { projects: null, cpu: null, memory: null, storage: null },
};

/** The size of this name. For `null`, and for a size that the installation no longer has, the default. `null`: there are no sizes. */
export function sizeNamed(sizes: readonly ProjectSize[], name: string | null): ProjectSize | null {
  return sizes.find((size) => size.name === name) ?? sizes.find(({ isDefault }) => isDefault) ?? null;
}

const maxSizes = 10;
const nameError = 'must be 1 to 20 letters, digits, "-" and "_".';
/** JSON has numbers, and 2 cores are one. */
const cpu = z.preprocess((value) => (typeof value === 'number' ? String(value) : value), cpuQuantity);

const objectError: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'unrecognized_keys'
    ? `has the unknown field ${issue.keys.join(' and ')}. Remove it.`
    : 'must be an object, such as {"name":"S","cpu":"1","memory":"2Gi","storage":"5Gi"}.';
const sizeSchema = z
  .strictObject(
    {
      name: z
        .string({ error: nameError })
        .regex(sizeNamePattern, nameError)
        .refine((name) => name !== 'default', 'must not be "default", which means no choice.'),
      label: z.string().trim().min(1, 'must not be empty.').max(40, 'must have at most 40 characters.').optional(),
      cpu,
      memory: bytesQuantity,
      storage: bytesQuantity,
      cpuRequest: cpu.optional(),
      memoryRequest: bytesQuantity.optional(),
      default: z.boolean({ error: 'must be true or false.' }).default(false),
    },
    { error: objectError },
  )
  .superRefine((size, context) => {
    const { cpuRequest = size.cpu, memoryRequest = size.memory } = size;
    const report = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (coresOf(cpuRequest) > coresOf(size.cpu)) report('cpuRequest', 'must not be above cpu.');
    if (bytesOf(memoryRequest) > bytesOf(size.memory)) report('memoryRequest', 'must not be above memory.');
  });

const sizesSchema = z
  .array(sizeSchema, {
    error: 'must be a list of sizes in JSON: [{"name":"S","cpu":"1","memory":"2Gi","storage":"5Gi"}].',
  })
  .min(1, 'must have at least one size.')
  .max(maxSizes, `must have at most ${maxSizes} sizes.`)
  .superRefine((sizes, context) => {
    const names = sizes.map(({ name }) => name);
    const report = (message: string) => context.addIssue({ code: 'custom', message });
    for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
      report(`has the name ${name} twice.`);
    }
    if (sizes.filter((size) => size.default).length > 1) report('has more than one default. Mark one size.');
  });

/** A container asks a node for this share of its limit, as without sizes: 100m of 1 CPU, and 512Mi of 2Gi. */
const [cpuShare, memoryShare] = [0.1, 0.25];

function withDefaults(sizes: z.output<typeof sizesSchema>): ProjectSize[] {
  const marked = sizes.findIndex((size) => size.default);
  return sizes.map(({ name, cpu: cores, memory, storage, label, cpuRequest, memoryRequest }, index) => ({
    name,
    label: label ?? name,
    cpu: cores,
    memory,
    storage,
    cpuRequest: cpuRequest ?? `${Math.max(1, Math.round(coresOf(cores) * 1_000 * cpuShare))}m`,
    memoryRequest: memoryRequest ?? `${Math.max(1, Math.round((bytesOf(memory) * memoryShare) / 2 ** 20))}Mi`,
    isDefault: index === Math.max(0, marked),
  }));
}

const sizesVariable = z.string().transform((text, context): ProjectSize[] => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON.' });
    return z.NEVER;
  }
  const result = sizesSchema.safeParse(parsed);
  if (result.success) return withDefaults(result.data);
  for (const issue of result.error.issues) {
    const place = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
    context.addIssue({ code: 'custom', message: `${place}${issue.message}` });
  }
  return z.NEVER;
});

const positiveNumber = z
  .string()
  .regex(/^[1-9]\d{0,5}$/, 'must be a whole number from 1 to 999999.')
  .transform(Number);

/** docs/configuration.md is generated from the descriptions. */
export const sizeVariables = {
  PROJECT_SIZES: sizesVariable
    .optional()
    .describe(
      'The sizes that people choose from for a project, as JSON ([how to write them](operations/sizes.md)). Without it every project has the same size, from the variables of the worker.',
    ),
  QUOTA_RUNNING_PROJECTS: positiveNumber
    .optional()
    .describe('How many projects of one person may run at the same time.'),
  QUOTA_RUNNING_CPU: cpuQuantity
    .optional()
    .describe(
      'How much CPU the running projects of one person may have together, such as `8`. It needs PROJECT_SIZES.',
    ),
  QUOTA_RUNNING_MEMORY: bytesQuantity
    .optional()
    .describe(
      'How much memory the running projects of one person may have together, such as `16Gi`. It needs PROJECT_SIZES.',
    ),
  QUOTA_STORAGE: bytesQuantity
    .optional()
    .describe(
      'How much storage all projects of one person may have together, such as `100Gi`. It needs PROJECT_SIZES.',
    ),
};

export type SizeVariables = { [Name in keyof typeof sizeVariables]?: z.output<(typeof sizeVariables)[Name]> };

/** For `crossCheck`: a quota needs sizes, and must allow one project of the default size. */
export function sizeProblemsOf(variables: SizeVariables): Record<string, string> {
  const sizes = variables.PROJECT_SIZES;
  // A wrong variable has the text of the environment here, and is reported by itself.
  const size = Array.isArray(sizes) ? sizeNamed(sizes, null) : null;
  const problems: Record<string, string> = {};
  const check = (
    name: Exclude<keyof SizeVariables, 'PROJECT_SIZES' | 'QUOTA_RUNNING_PROJECTS'>,
    amount: 'cpu' | 'memory' | 'storage',
    valueOf: (text: string) => number,
  ) => {
    const quota = variables[name];
    if (quota === undefined) return;
    if (sizes === undefined) problems[name] = 'needs PROJECT_SIZES, which says how much a project has.';
    else if (size && valueOf(quota) < valueOf(size[amount])) {
      problems[name] = `must be at least ${size[amount]}, which one project of the default size has.`;
    }
  };
  check('QUOTA_RUNNING_CPU', 'cpu', coresOf);
  check('QUOTA_RUNNING_MEMORY', 'memory', bytesOf);
  check('QUOTA_STORAGE', 'storage', bytesOf);
  return problems;
}

export function toSizeRules(variables: SizeVariables): SizeRules {
  const { QUOTA_RUNNING_CPU: cores, QUOTA_RUNNING_MEMORY: memory, QUOTA_STORAGE: storage } = variables;
  return {
    sizes: variables.PROJECT_SIZES ?? [],
    limits: {
      projects: variables.QUOTA_RUNNING_PROJECTS ?? null,
      cpu: cores === undefined ? null : thousandthsOf(cores),
      memory: memory === undefined ? null : wholeBytesOf(memory),
      storage: storage === undefined ? null : wholeBytesOf(storage),
    },
  };
}

/** @throws AppError VALIDATION_FAILED if the installation has no such size */
export function requireSize({ sizes }: SizeRules, name: string | null | undefined): void {
  if (name == null || sizes.some((size) => size.name === name)) return;
  const names = sizes.map((size) => size.name).join(', ');
  const message =
    names === '' ? 'This installation has no sizes. Leave it out.' : `Choose one of these sizes: ${names}.`;
  throw new AppError('VALIDATION_FAILED', message, { fields: { size: message } });
}
