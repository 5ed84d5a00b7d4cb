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
import { projectProcedure, router } from '../trpc.ts';

/** The lines were parsed when they were read from the pod. */
const eventStreamSchema = z.custom<AsyncIterable<FilesEvent>>(
  (value) => typeof value === 'object' && value !== null && Symbol.asyncIterator in value,
);

export const filesRouter = router({
  list: projectProcedure('files.read')
    .input(listFilesInputSchema)
    .output(fileListSchema)
    .query(({ ctx, input }) => ctx.services.files.list(ctx, input)),
  stat: projectProcedure('files.read')
    .input(statFileInputSchema)
    .output(fileEntrySchema)
    .query(({ ctx, input }) => ctx.services.files.stat(ctx, input)),
  read: projectProcedure('files.read')
    .input(readFileInputSchema)
    .output(fileContentSchema)
    .query(({ ctx, input }) => ctx.services.files.read(ctx, input)),
  write: projectProcedure('files.write')
    .input(writeFileInputSchema)
    .output(writtenFileSchema)
    .mutation(({ ctx, input }) => ctx.services.files.write(ctx, input)),
  makeFolder: projectProcedure('files.write')
    .input(makeFolderInputSchema)
    .output(fileEntrySchema)
    .mutation(({ ctx, input }) => ctx.services.files.makeFolder(ctx, input)),
  rename: projectProcedure('files.write')
    .input(moveFileInputSchema)
    .output(fileEntrySchema)
    .mutation(({ ctx, input }) => ctx.services.files.rename(ctx, input)),
  copy: projectProcedure('files.write')
    .input(moveFileInputSchema)
    .output(fileEntrySchema)
    .mutation(({ ctx, input }) => ctx.services.files.copy(ctx, input)),
  delete: projectProcedure('files.write')
    .input(deleteFileInputSchema)
    .output(z.strictObject({}))
    .mutation(({ ctx, input }) => ctx.services.files.delete(ctx, input)),
  search: projectProcedure('files.read')
    .input(searchFilesInputSchema)
    .output(fileMatchesSchema)
    .query(({ ctx, input }) => ctx.services.files.search(ctx, input)),
  unsaved: projectProcedure('files.read')
    .input(gitStatusInputSchema)
    .output(unsavedWorkSchema)
    .query(({ ctx, input }) => ctx.services.files.unsaved(ctx, input)),
  gitStatus: projectProcedure('files.read')
    .input(gitStatusInputSchema)
    .output(gitStatusSchema)
    .query(({ ctx, input }) => ctx.services.files.gitStatus(ctx, input)),
  gitDiff: projectProcedure('files.read')
    .input(gitDiffInputSchema)
    .output(gitDiffSchema)
    .query(({ ctx, input }) => ctx.services.files.gitDiff(ctx, input)),
  onChange: projectProcedure('files.read')
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
