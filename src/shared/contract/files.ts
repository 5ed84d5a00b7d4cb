/** The files of a project: what the file browser of its pod answers, and what the API takes and returns. */

import { z } from 'zod';

import { isoDateTimeSchema, projectIdSchema } from './fields.ts';
import { maxPathLength, maxReadBytes, maxWatchedPaths } from './file-limits.ts';

export { maxEditableBytes, maxUploadBytes, maxUploadPartBytes } from './file-limits.ts';

/**
 * A path below the project's folder, with "/" between names; the empty path is the folder itself. Names may contain
 * everything that a file system allows, and are never interpreted.
 */
export const filePathSchema = z
  .string({ error: 'Name a path.' })
  .max(maxPathLength, 'The path is too long: use at most 4,096 characters.')
  .refine((path) => !path.includes('\0') && path.isWellFormed(), 'Remove the characters that no file name can have.')
  .refine(
    (path) => path === '' || path.split('/').every((name) => name !== '' && name !== '.' && name !== '..'),
    'Name a path below the project, such as "src/main.ts", without "." and ".." and without a slash at its ends.',
  );

/** A path that is not the project's folder itself. */
const namedPathSchema = filePathSchema.refine((path) => path !== '', 'Name a file or a folder of the project.');

/** The content of a file: the same version means the same bytes. */
const versionSchema = z.string().max(200, 'This is not a version of a file.');

export const fileKindSchema = z.enum(['file', 'directory', 'link', 'other']);
export type FileKind = z.infer<typeof fileKindSchema>;

export const fileEntrySchema = z.object({
  name: z.string(),
  kind: fileKindSchema,
  /** In bytes; `null` unless the entry is a file. */
  size: z.number().nullable(),
  modifiedAt: isoDateTimeSchema,
  /** What a link leads to inside the project; `null` for other entries, and for a link that leads nowhere or outside. */
  leadsTo: z.enum(['file', 'directory']).nullable(),
});
export type FileEntry = z.infer<typeof fileEntrySchema>;

export const fileListSchema = z.object({
  /** Folders first, then by name. */
  entries: z.array(fileEntrySchema),
  /** Pass it as `cursor` for the next page; `null` at the end. */
  nextCursor: z.string().nullable(),
});
export type FileList = z.infer<typeof fileListSchema>;

export const fileContentSchema = z.object({
  /** The size of the whole file in bytes. */
  size: z.number(),
  /** The version of the whole file; `null` when the file is too large to be edited. */
  version: z.string().nullable(),
  /** Where `content` begins, in bytes. */
  offset: z.number(),
  /** Where the next part begins; `null` at the end. */
  nextOffset: z.number().nullable(),
  /** A file is binary when it has a zero byte near its beginning, or is not valid UTF-8. Its content is base64. */
  isBinary: z.boolean(),
  encoding: z.enum(['utf8', 'base64']),
  content: z.string(),
});
export type FileContent = z.infer<typeof fileContentSchema>;

export const writtenFileSchema = z.object({ version: z.string(), size: z.number() });
export type WrittenFile = z.infer<typeof writtenFileSchema>;

export const fileMatchSchema = z.object({
  path: z.string(),
  /** Counted from 1; `null` for a match of a name. */
  line: z.number().nullable(),
  /** The line, shortened around the match; `null` for a match of a name. */
  text: z.string().nullable(),
});
export type FileMatch = z.infer<typeof fileMatchSchema>;

export const fileMatchesSchema = z.object({
  matches: z.array(fileMatchSchema),
  /** There may be further matches: a limit of number, size or time ended the search. */
  isTruncated: z.boolean(),
});
export type FileMatches = z.infer<typeof fileMatchesSchema>;

export const gitFileStatusSchema = z.enum(['added', 'modified', 'deleted']);
export type GitFileStatus = z.infer<typeof gitFileStatusSchema>;

export const gitFileSchema = z.object({
  path: z.string(),
  status: gitFileStatusSchema,
  additions: z.number(),
  deletions: z.number(),
});
export type GitFile = z.infer<typeof gitFileSchema>;

export const gitStatusSchema = z.object({
  /** The name of the branch; `null` when there is none. */
  branch: z.string().nullable(),
  /** Changes of the working tree against the last commit, untracked files included. */
  files: z.array(gitFileSchema),
});
export type GitStatus = z.infer<typeof gitStatusSchema>;

/** What would be lost with the volume. A count of commits is `null` when git does not say it. */
export const unsavedWorkSchema = z.object({
  /** Why nothing is known, as a sentence; `null`: git was asked. */
  unknown: z.string().nullable(),
  /** `null`: nothing is known, or the project is no git repository. */
  repository: z
    .object({
      /** In the working tree, untracked files included. */
      changedFiles: z.number(),
      /** In the worktrees of tasks that were neither accepted nor discarded. */
      changedFilesOfTasks: z.number(),
      stashes: z.number(),
      hasRemote: z.boolean(),
      /** Commits that no branch has. */
      detachedCommits: z.number().nullable(),
      /** Branches with commits that no remote branch is known to have: at most 20. */
      branches: z.array(z.object({ name: z.string(), commits: z.number().nullable() })),
      hasMoreBranches: z.boolean(),
      /** Their commits were not looked at. */
      submodules: z.number(),
    })
    .nullable(),
});
export type UnsavedWork = z.infer<typeof unsavedWorkSchema>;

export const gitDiffSchema = z.object({
  files: z.array(
    gitFileSchema.extend({
      /** In unified format; `null` when the file is binary or its diff is too large. */
      patch: z.string().nullable(),
    }),
  ),
  /** Some patches were left out, because the answer would be too large. */
  isTruncated: z.boolean(),
});
export type GitDiff = z.infer<typeof gitDiffSchema>;

const ofProject = { id: projectIdSchema };

export const listFilesInputSchema = z.strictObject({
  ...ofProject,
  path: filePathSchema.default(''),
  cursor: z.string().max(maxPathLength).nullish(),
});
export const statFileInputSchema = z.strictObject({ ...ofProject, path: namedPathSchema });
export const readFileInputSchema = z.strictObject({
  ...ofProject,
  path: namedPathSchema,
  /** In bytes. */
  offset: z.int().min(0).default(0),
  limit: z.int().min(1).max(maxReadBytes, 'Ask for at most 1 MiB at once.').default(maxReadBytes),
});
export const writeFileInputSchema = z.strictObject({
  ...ofProject,
  path: namedPathSchema,
  content: z.string({ error: 'Send the content as text.' }).refine((text) => text.isWellFormed(), {
    error: 'The content has half a character. Send well-formed text.',
  }),
  /** The version that was read; `null` creates the file. */
  version: versionSchema.nullable(),
});
export const makeFolderInputSchema = z.strictObject({ ...ofProject, path: namedPathSchema });
export const moveFileInputSchema = z.strictObject({ ...ofProject, from: namedPathSchema, to: namedPathSchema });
export const deleteFileInputSchema = z.strictObject({ ...ofProject, path: namedPathSchema });
export const searchFilesInputSchema = z.strictObject({
  ...ofProject,
  query: z.string().min(1, 'Enter what to search for.').max(200, 'Search for at most 200 characters.'),
  /** `name` finds paths with these letters in this order; `text` finds lines with this text, in any case. */
  mode: z.enum(['name', 'text']),
});
export const gitStatusInputSchema = z.strictObject(ofProject);
export const gitDiffInputSchema = z.strictObject({ ...ofProject, path: namedPathSchema.optional() });

const watchedSchema = z.array(filePathSchema).max(maxWatchedPaths, 'Watch at most 300 paths at once.');
export const onFilesChangeInputSchema = z.strictObject({
  ...ofProject,
  /** Folders whose entries are watched, without those of folders in them. */
  folders: watchedSchema.default([]),
  /** Files whose content is watched. They need not exist. */
  files: watchedSchema.default([]),
});

export type ListFilesInput = z.infer<typeof listFilesInputSchema>;
export type ReadFileInput = z.infer<typeof readFileInputSchema>;
export type WriteFileInput = z.infer<typeof writeFileInputSchema>;
export type SearchFilesInput = z.infer<typeof searchFilesInputSchema>;

/** What `files.onChange` sends. */
export type FilesEvent =
  /** From now on changes arrive. What was read before this event may be old. */
  | { type: 'watching' }
  /** Entries of these folders, or the content of these files, have changed. */
  | { type: 'changed'; folders: string[]; files: string[] }
  /** Why no changes arrive now, for people. The subscription continues. */
  | { type: 'waiting'; message: string };

/** A line of the file browser's own stream of changes. An empty one says that it still watches. */
export const changesLineSchema = z.object({ folders: z.array(z.string()), files: z.array(z.string()) });
