import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import {
  createMcpHandler,
  McpServer,
  type CallToolResult,
  type McpHttpHandler,
  type ServerContext,
  type StandardSchemaWithJSON,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { ToolName } from '../../lib/mcpClient/tools.js';
import { ServiceError } from '../common/errors.js';
import type { Logger } from '../common/logger.js';
import type { ToolMetrics } from './metrics.js';
import { TrackError } from './routing/router.js';
import { parseArguments } from './tools/arguments.js';
import { catalogue } from './tools/catalogue.js';
import type { Memory, Tool, ToolContext } from './tools/tool.js';

/** Largest request, in bytes. */
export const maxRequestBytes = 16 * 1024 * 1024;

/** What tool calls need. */
export interface McpDependencies {
  readonly memory: Memory;
  readonly metrics: ToolMetrics;
  readonly logger: Logger;
}

const instructions =
  'Long-term memory. Store episodes with memory.put, ask with memory.recall; memory.sleep consolidates what is new.';

/** Serves the tools to clients of both protocol eras, without sessions: every request stands for itself. */
export function createMcpEndpoint(dependencies: McpDependencies): McpHttpHandler {
  const advertised = catalogue.map((tool) => ({
    tool,
    config: {
      title: tool.title,
      description: tool.description,
      annotations: tool.annotations,
      inputSchema: advertise(tool.arguments, 'input'),
      outputSchema: advertise(tool.result, 'output'),
    },
  }));
  return createMcpHandler(
    () => {
      const server = new McpServer({ name: 'tori-memory', version: '0.1.0' }, { instructions });
      for (const { tool, config } of advertised) {
        server.registerTool(tool.name, config, (args, context) => call(tool, args, context, dependencies));
      }
      return server;
    },
    {
      maxRequestBodySize: maxRequestBytes,
      onerror: (error) => dependencies.logger.debug({ reason: error.message }, 'request refused'),
    },
  );
}

/**
 * Shows a schema to clients without having the SDK validate by it: the arguments are checked in {@link call}, where a
 * fault gets the one form of error that users know and is counted. The JSON Schema is made once, not once a request.
 */
function advertise(schema: z.ZodType, io: 'input' | 'output'): StandardSchemaWithJSON {
  const json = z.toJSONSchema(schema, { io }) as Record<string, unknown>;
  return {
    '~standard': {
      version: 1,
      vendor: 'tori',
      validate: (value) => ({ value }),
      jsonSchema: { input: () => json, output: () => json },
    },
  };
}

async function call(
  tool: Tool<ToolName>,
  args: unknown,
  mcp: ServerContext,
  { memory, metrics, logger }: McpDependencies,
): Promise<CallToolResult> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const requestId = randomUUID();
  // A recall has many calls in flight under one signal; that is no leak.
  setMaxListeners(0, mcp.mcpReq.signal);
  const context: ToolContext = {
    signal: mcp.mcpReq.signal,
    requestId,
    logger: logger.child({ requestId, tool: tool.name }),
    progress: progressOf(mcp),
  };
  try {
    const answer = await tool.run(parseArguments(tool.arguments, args), context, memory);
    for (const served of answer.served) {
      metrics.count(tool.name, served.track, served.code, served.seconds ?? seconds());
    }
    const tracks = [...new Set(answer.served.map(({ track }) => track))];
    return {
      content: [{ type: 'text', text: JSON.stringify(answer.result) }],
      structuredContent: { ...answer.result },
      _meta: { 'tori/track': tracks.join(',') },
    };
  } catch (thrown) {
    const error = ServiceError.from(thrown);
    const track = error instanceof TrackError ? error.track : 'none';
    const code = context.signal.aborted ? 'CANCELLED' : error.code;
    metrics.count(tool.name, track, code, seconds());
    if (code === 'INTERNAL') context.logger.error({ err: error.cause ?? error, track }, 'tool failed');
    else context.logger.debug({ code, track, reason: error.message }, 'tool refused');
    return {
      isError: true,
      content: [{ type: 'text', text: `${code}: ${error.message}` }],
      _meta: { 'tori/code': code, 'tori/track': track },
    };
  }
}

/** Progress goes only to clients that gave a token. */
function progressOf({ mcpReq }: ServerContext): ToolContext['progress'] {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  return (progress, message) => {
    const params = { progressToken, progress, message };
    // A client that has gone is noticed by the request's signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}
