import type { ToolAnnotations } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import type { ToolName, Tools, TrackFailure } from '../../../lib/mcpClient/tools.js';
import type { Logger } from '../../common/logger.js';
import type { Track } from '../../common/shards/shards.js';
import type { EpisodeStore } from '../episodes/store.js';
import type { Verification } from '../episodes/verification.js';
import type { Recall } from '../recall/recall.js';
import type { RequestContext, Router, TrackOutcome } from '../routing/router.js';

/** What the tools work with. */
export interface Memory {
  readonly router: Router;
  readonly store: EpisodeStore;
  readonly recall: Recall;
  readonly verification: Verification;
}

/** What a tool knows of its call besides the arguments. */
export interface ToolContext {
  readonly signal: AbortSignal;
  readonly requestId: string;
  readonly logger: Logger;
  /** Tells the client how far the work is: a count that rises, and a line. Does nothing when it did not ask. */
  readonly progress: (done: number, message: string) => void;
}

/** How one track served a call, for the metrics. */
export interface Served {
  readonly track: Track;
  /** `OK` or the code of its failure. */
  readonly code: string;
  /** Absent where the whole call is the track's. */
  readonly seconds?: number;
}

/** A result, and the tracks that served it. */
export interface Answer<Result> {
  readonly result: Result;
  readonly served: readonly Served[];
}

/** One MCP tool. Schemas are strict, and agree with the client's types. */
export interface Tool<Name extends ToolName> {
  readonly name: Name;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly arguments: z.ZodType<Tools[Name]['arguments']>;
  readonly result: z.ZodType<Tools[Name]['result']>;
  run(
    args: Tools[Name]['arguments'],
    context: ToolContext,
    memory: Memory,
  ): Promise<Answer<Tools[Name]['result']>>;
}

/** A tool of any name. */
export type AnyTool = { [Name in ToolName]: Tool<Name> }[ToolName];

/** Context of the operations of one tenant. */
export function requestContext(context: ToolContext, tenant: string): RequestContext {
  const { signal, requestId, logger } = context;
  return { tenant, signal, requestId, logger };
}

/** Splits the answers of several tracks into values, failures and what the metrics count. */
export function gather<T>(outcomes: readonly TrackOutcome<T>[]): {
  readonly values: T[];
  readonly failures: TrackFailure[];
  readonly served: Served[];
} {
  const values: T[] = [];
  const failures: TrackFailure[] = [];
  const served: Served[] = [];
  for (const { track, seconds, result } of outcomes) {
    if ('value' in result) values.push(result.value);
    else failures.push({ track, code: result.error.code, message: result.error.message });
    served.push({ track, code: 'value' in result ? 'OK' : result.error.code, seconds });
  }
  return { values, failures, served };
}
