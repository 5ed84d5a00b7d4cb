/** The values of the form of a project, and their validation by the same schemas as on the server. */

import '../configure-zod.ts';
import { z } from 'zod';

import { projectDescriptionSchema, projectNameSchema, repoUrlSchema } from '../../shared/contract/fields.ts';
import type { Project } from '../../shared/contract/project.ts';
import type { ReadableError } from '../api/read-error.ts';

/** All values are texts. An empty `repoUrl` means that the project has no repository. */
export const projectFormSchema = z.object({ name: z.string(), description: z.string(), repoUrl: z.string() });
export type ProjectFormValues = z.infer<typeof projectFormSchema>;

/** A new project also has a size: its name, or an empty text for the default. */
export const newProjectSchema = projectFormSchema.extend({ size: z.string().default('') });
export type NewProjectValues = z.infer<typeof newProjectSchema>;

export const emptyProjectForm: NewProjectValues = { name: '', description: '', repoUrl: '', size: '' };

export function formValuesOf(project: Project): ProjectFormValues {
  return { name: project.name, description: project.description, repoUrl: project.repoUrl ?? '' };
}

/** Returns the first problem of each field, or `null`. */
export const projectFormRules = {
  name: (text: string) => problemOf(projectNameSchema, text),
  description: (text: string) => problemOf(projectDescriptionSchema, text),
  repoUrl: (text: string) => (text.trim() === '' ? null : problemOf(repoUrlSchema, text)),
};

/** Converts the values to the input of the API. */
export function projectInputOf(values: ProjectFormValues) {
  const repoUrl = values.repoUrl.trim();
  return {
    name: values.name.trim(),
    description: values.description.trim(),
    repoUrl: repoUrl === '' ? null : repoUrl,
  };
}

/** The fields that differ from the project, or `null`. Only they are sent, and appear in the activity. */
export function changeOf(project: Project, values: ProjectFormValues) {
  const input = projectInputOf(values);
  const change = {
    ...(input.name === project.name ? {} : { name: input.name }),
    ...(input.description === project.description ? {} : { description: input.description }),
    ...(input.repoUrl === project.repoUrl ? {} : { repoUrl: input.repoUrl }),
  };
  return Object.keys(change).length === 0 ? null : change;
}

/** Splits an error of the API into messages at fields and a message above the form. */
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
