/** What the form of a project holds, checked by the same rules as on the server. */

import '../configure-zod.ts';
import { z } from 'zod';

import { projectDescriptionSchema, projectNameSchema, repoUrlSchema } from '../../shared/contract/fields.ts';
import type { Project } from '../../shared/contract/project.ts';
import type { ReadableError } from '../api/read-error.ts';

/** A form holds text alone: an empty repository stands for none. */
export const projectFormSchema = z.object({ name: z.string(), description: z.string(), repoUrl: z.string() });
export type ProjectFormValues = z.infer<typeof projectFormSchema>;

export const emptyProjectForm: ProjectFormValues = { name: '', description: '', repoUrl: '' };

export function formValuesOf(project: Project): ProjectFormValues {
  return { name: project.name, description: project.description, repoUrl: project.repoUrl ?? '' };
}

/** The first problem of each field in one sentence, or `null`. */
export const projectFormRules = {
  name: (text: string) => problemOf(projectNameSchema, text),
  description: (text: string) => problemOf(projectDescriptionSchema, text),
  repoUrl: (text: string) => (text.trim() === '' ? null : problemOf(repoUrlSchema, text)),
};

/** The form's text as the API takes it. */
export function projectInputOf(values: ProjectFormValues) {
  const repoUrl = values.repoUrl.trim();
  return {
    name: values.name.trim(),
    description: values.description.trim(),
    repoUrl: repoUrl === '' ? null : repoUrl,
  };
}

/** What the form says differently from the project; `null` when nothing. Only that is sent, and told in the activity. */
export function changeOf(project: Project, values: ProjectFormValues) {
  const desired = projectInputOf(values);
  const change = {
    ...(desired.name === project.name ? {} : { name: desired.name }),
    ...(desired.description === project.description ? {} : { description: desired.description }),
    ...(desired.repoUrl === project.repoUrl ? {} : { repoUrl: desired.repoUrl }),
  };
  return Object.keys(change).length === 0 ? null : change;
}

/** Sorts a refusal into what belongs at a field and what belongs above the form. */
export function placeError(error: ReadableError): {
  fields: Partial<Record<keyof ProjectFormValues, string>>;
  message: string | null;
} {
  const { name, description, repoUrl } = error.fields;
  const fields = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(repoUrl === undefined ? {} : { repoUrl }),
  };
  if (error.code === 'NAME_TAKEN') return { fields: { name: error.message, ...fields }, message: null };
  return { fields, message: Object.keys(fields).length === 0 ? error.message : null };
}

function problemOf(schema: z.ZodType, text: string): string | null {
  return schema.safeParse(text).error?.issues[0]?.message ?? null;
}
