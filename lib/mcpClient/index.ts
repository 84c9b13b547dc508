import { Client, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client';
import { whileUnreachable } from './retry.js';
import type { ToolName, Tools } from './tools.js';

export type * from './tools.js';

/** Where the gateway is, and the key to it. */
export interface McpOptions {
  /** Default `http://127.0.0.1:8787/mcp`. */
  readonly url?: string | URL;
  /** Default: the environment variable `TORI_API_KEY`, where there is an environment. */
  readonly apiKey?: string;
}

/** How far a long-running tool is. */
export interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Aborting it also stops the work in the service. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Longest time without an answer or progress, in milliseconds. Default 60 000; an hour for sleep and prune. */
  readonly timeoutMs?: number;
}

/** Calls a tool of the gateway and returns its structured result. */
export interface Mcp {
  <Tool extends ToolName>(
    tool: Tool,
    args: Tools[Tool]['arguments'],
    options?: CallOptions,
  ): Promise<Tools[Tool]['result']>;
  /** Ends the connection. The next call opens a new one. */
  close(): Promise<void>;
}

/** A tool's refusal. The message is one line that starts with the code and names field, value and what is accepted. */
export class McpToolError extends Error {
  override readonly name = 'McpToolError';
  readonly tool: ToolName;
  /** The gRPC name of the failure, for example `NOT_FOUND` or `INVALID_ARGUMENT`. */
  readonly code: string;

  constructor(tool: ToolName, code: string, message: string) {
    super(message);
    this.tool = tool;
    this.code = code;
  }
}

const hourMs = 3_600_000;
const minuteMs = 60_000;

/**
 * A client of one gateway: one MCP connection, opened by the first call and shared by all, any number of calls at once.
 * Calls that are safe to repeat outlast a restart of the gateway. Works in Node and in a bundle for browsers.
 */
export function createMcp(options: McpOptions = {}): Mcp {
  let connecting: Promise<Client> | undefined;
  const connection = () => {
    connecting ??= connect(options).catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  };
  const call = async <Tool extends ToolName>(
    tool: Tool,
    args: Tools[Tool]['arguments'],
    callOptions: CallOptions = {},
  ): Promise<Tools[Tool]['result']> => {
    const once = async () => callTool(await connection(), tool, args, callOptions);
    const result = await (isRepeatable(tool, args) ? whileUnreachable(once, callOptions.signal) : once());
    if (result.isError === true) throw toolError(tool, result);
    return result.structuredContent as Tools[Tool]['result'];
  };
  const close = async () => {
    const client = await connecting?.catch(() => undefined);
    connecting = undefined;
    await client?.close();
  };
  return Object.assign(call, { close });
}

/** The client with default options. */
export const mcp: Mcp = createMcp();

async function connect({ url, apiKey }: McpOptions): Promise<Client> {
  const key = apiKey ?? (typeof process === 'undefined' ? undefined : process.env['TORI_API_KEY']);
  const client = new Client(
    { name: 'tori-memory', version: '0.1.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const transport = new StreamableHTTPClientTransport(new URL(url ?? 'http://127.0.0.1:8787/mcp'), {
    requestInit: { headers },
  });
  await client.connect(transport);
  return client;
}

async function callTool<Tool extends ToolName>(
  client: Client,
  tool: Tool,
  args: Tools[Tool]['arguments'],
  { signal, onProgress, timeoutMs }: CallOptions,
): Promise<CallToolResult> {
  const isLong = tool === 'memory.sleep' || tool === 'memory.prune';
  return client.callTool(
    { name: tool, arguments: { ...args } },
    {
      timeout: timeoutMs ?? (isLong ? hourMs : minuteMs),
      resetTimeoutOnProgress: true,
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onprogress: onProgress }),
    },
  );
}

/** A put is idempotent by its id or by a hash of its content; a second sleep or prune would be a second run. */
function isRepeatable(tool: ToolName, args: object): boolean {
  if (tool === 'memory.prune') return !('dryRun' in args) || args.dryRun !== false;
  return tool !== 'memory.sleep';
}

function toolError(tool: ToolName, result: CallToolResult): McpToolError {
  const code = result._meta?.['tori/code'];
  const [first] = result.content;
  const message = first?.type === 'text' ? first.text : 'the tool failed without a message';
  return new McpToolError(tool, typeof code === 'string' ? code : 'UNKNOWN', message);
}
