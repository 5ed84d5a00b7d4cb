/** The procedures on the files of a project: each parses its input, calls one function and returns. */

import { z } from 'zod';

import {
  deleteFileInputSchema,
  fileContentSchema,
  fileEntrySchema,
  fileListSchema,
  fileMatchesSchema,
  gitDiffInputSchema,
  gitDiffSchema,
  gitStatusInputSchema,
  gitStatusSchema,
  unsavedWorkSchema,
  listFilesInputSchema,
  makeFolderInputSchema,
  moveFileInputSchema,
  onFilesChangeInputSchema,
  readFileInputSchema,
  searchFilesInputSchema,
  statFileInputSchema,
  writeFileInputSchema,
  writtenFileSchema,
  type FilesEvent,
} from '../../shared/contract/files.ts';
import { procedure, router } from '../trpc.ts';

/** The lines were parsed when they were read from the pod. */
const eventStreamSchema = z.custom<AsyncIterable<FilesEvent>>(
  (value) => typeof value === 'object' && value !== null && Symbol.asyncIterator in value,
);

export const filesRouter = router({
  list: procedure
    .input(listFilesInputSchema)
    .output(fileListSchema)
    .query(({ ctx, input }) => ctx.services.files.list(ctx, input)),
  stat: procedure
    .input(statFileInputSchema)
    .output(fileEntrySchema)
    .query(({ ctx, input }) => ctx.services.files.stat(ctx, input)),
  read: procedure
    .input(readFileInputSchema)
    .output(fileContentSchema)
    .query(({ ctx, input }) => ctx.services.files.read(ctx, input)),
  write: procedure
    .input(writeFileInputSchema)
    .output(writtenFileSchema)
    .mutation(({ ctx, input }) => ctx.services.files.write(ctx, input)),
  makeFolder: procedure
    .input(makeFolderInputSchema)
    .output(fileEntrySchema)
    .mutation(({ ctx, input }) => ctx.services.files.makeFolder(ctx, input)),
  rename: procedure
    .input(moveFileInputSchema)
    .output(fileEntrySchema)
    .mutation(({ ctx, input }) => ctx.services.files.rename(ctx, input)),
  copy: procedure
    .input(moveFileInputSchema)
    .output(fileEntrySchema)
    .mutation(({ ctx, input }) => ctx.services.files.copy(ctx, input)),
  delete: procedure
    .input(deleteFileInputSchema)
    .output(z.strictObject({}))
    .mutation(({ ctx, input }) => ctx.services.files.delete(ctx, input)),
  search: procedure
    .input(searchFilesInputSchema)
    .output(fileMatchesSchema)
    .query(({ ctx, input }) => ctx.services.files.search(ctx, input)),
  unsaved: procedure
    .input(gitStatusInputSchema)
    .output(unsavedWorkSchema)
    .query(({ ctx, input }) => ctx.services.files.unsaved(ctx, input)),
  gitStatus: procedure
    .input(gitStatusInputSchema)
    .output(gitStatusSchema)
    .query(({ ctx, input }) => ctx.services.files.gitStatus(ctx, input)),
  gitDiff: procedure
    .input(gitDiffInputSchema)
    .output(gitDiffSchema)
    .query(({ ctx, input }) => ctx.services.files.gitDiff(ctx, input)),
  onChange: procedure
    .input(onFilesChangeInputSchema)
    .output(eventStreamSchema)
    .subscription(({ ctx, input, signal }) =>
      ctx.services.files.watch(ctx, {
        ...input,
        signal: signal ?? new AbortController().signal,
        whenWritable: ctx.whenWritable,
      }),
    ),
});
