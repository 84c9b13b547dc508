import { readFileSync } from 'node:fs';
import { SdkHttpError } from '@modelcontextprotocol/client';
import type { Command } from 'commander';
import { createMcp, type Mcp } from '../lib/mcpClient/index.js';
import { isUnreachable } from '../lib/mcpClient/retry.js';
import { homeOf } from '../operator/platform/local/home.js';
import { portsOf } from '../operator/platform/local/ports.js';
import { CliError, exitCodes } from './exit.js';
import type { Terminal } from './terminal.js';

/** Options that every command takes. */
interface GlobalOptions {
  readonly url?: string;
  readonly apiKeyFile?: string;
  readonly tenant?: string;
}

/** A gateway that answered, and whose memory in it is meant. */
export interface Gateway {
  readonly mcp: Mcp;
  /** Undefined means the default tenant. */
  readonly tenant: string | undefined;
}

const answerMs = 3_000;

/**
 * Runs with a connection to the gateway and closes it.
 * @param command the command in whose options `--url`, `--api-key-file` and `--tenant` stand
 * @throws CliError when the key cannot be read, or nothing answers within three seconds
 */
export async function withGateway(
  command: Command,
  terminal: Terminal,
  work: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const url = urlOf(options, terminal.env);
  await checkAnswer(url, terminal.signal);
  const mcp = createMcp({ url, apiKey: keyOf(options, terminal.env) });
  try {
    await work({ mcp, tenant: options.tenant });
  } catch (error) {
    throw explained(error, url);
  } finally {
    await mcp.close();
  }
}

/** A failure of the connection in words; an answer of the gateway as it is. */
function explained(error: unknown, { href }: URL): unknown {
  if (error instanceof SdkHttpError && (error.status === 401 || error.status === 403)) {
    const message = `the gateway at ${href} refuses the API key: name the right one with --api-key-file or TORI_API_KEY`;
    return new CliError(exitCodes.refused, message, { cause: error });
  }
  if (!isUnreachable(error)) return error;
  return new CliError(exitCodes.unreachable, `the gateway at ${href} does not answer any more`, {
    cause: error,
  });
}

function urlOf(options: GlobalOptions, env: NodeJS.ProcessEnv): URL {
  const text = options.url ?? `http://127.0.0.1:${portsOf(env).gateway}/mcp`;
  if (!URL.canParse(text)) {
    throw new CliError(
      exitCodes.usage,
      `--url: "${text}" is not accepted; expected a URL such as http://127.0.0.1:8787/mcp`,
    );
  }
  const url = new URL(text);
  if (url.pathname === '/') url.pathname = '/mcp';
  return url;
}

function keyOf(options: GlobalOptions, env: NodeJS.ProcessEnv): string {
  const given = env['TORI_API_KEY'] ?? '';
  if (options.apiKeyFile === undefined && given !== '') return given;
  const file = options.apiKeyFile ?? homeOf(env).apiKeyFile;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CliError(
      exitCodes.config,
      `the API key file ${file} cannot be read: name another with --api-key-file, or set TORI_HOME to the folder of \`tori up\``,
      { cause },
    );
  }
}

/** Fails at once where nothing listens; later calls outlast a restart of the gateway. */
async function checkAnswer(url: URL, signal: AbortSignal): Promise<void> {
  try {
    await fetch(new URL('/livez', url), { signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]) });
  } catch (cause) {
    throw new CliError(
      exitCodes.unreachable,
      `cannot reach the gateway at ${url.href}: is \`tori up\` running?`,
      { cause },
    );
  }
}
