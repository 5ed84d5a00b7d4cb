/** Objection models: table names and column types. Only the repositories use them. */

import { Model } from 'objection';

export class UserModel extends Model {
  static override tableName = 'users';
  static override jsonAttributes = ['projectDefaults'];
  declare id: string;
  /** Null only between migration 0013 and the first start of a server. */
  declare oidcIssuer: string | null;
  declare oidcSubject: string;
  declare email: string | null;
  declare emailVerified: boolean;
  declare projectDefaults: object;
  declare name: string;
  declare picture: string | null;
}

export class SessionModel extends Model {
  static override tableName = 'sessions';
  declare id: string;
  declare userId: string;
  declare userAgent: string | null;
  declare createdAt: Date;
  declare lastUsedAt: Date;
  declare expiresAt: Date;
  declare revokedAt: Date | null;
}

export class AccessTokenModel extends Model {
  static override tableName = 'access_tokens';
  declare id: string;
  declare userId: string;
  declare name: string;
  declare tokenHash: string;
  declare createdAt: Date;
  declare expiresAt: Date | null;
  declare lastUsedAt: Date | null;
  declare revokedAt: Date | null;
}

export class ProjectModel extends Model {
  static override tableName = 'projects';
  static override jsonAttributes = ['containers', 'progress', 'evidence', 'podErrorAdvice', 'members'];
  declare id: string;
  declare ownerId: string;
  declare idempotencyKey: string | null;
}

export class ProjectEventModel extends Model {
  static override tableName = 'project_events';
  declare id: string;
  declare projectId: string;
  declare at: Date;
  declare kind: string;
  declare actorId: string | null;
  declare message: string;
  declare reason: string | null;
}

export class TaskModel extends Model {
  static override tableName = 'tasks';
  declare id: string;
  declare projectId: string;
  declare idempotencyKey: string | null;
  declare position: string;
}

export class RunModel extends Model {
  static override tableName = 'runs';
  static override jsonAttributes = ['answers', 'pending', 'todos', 'usage', 'diff', 'workspace', 'verdict'];
  declare id: string;
  declare taskId: string;
  declare projectId: string;
  declare idempotencyKey: string;
}

export class TaskChangesModel extends Model {
  static override tableName = 'task_changes';
  static override idColumn = 'task_id';
  static override jsonAttributes = ['files', 'patches'];
  declare taskId: string;
}

export class RunTranscriptModel extends Model {
  static override tableName = 'run_transcripts';
  static override idColumn = 'run_id';
  static override jsonAttributes = ['messages'];
  declare runId: string;
}
