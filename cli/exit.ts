import { McpToolError } from '../lib/mcpClient/index.js';
import { ConfigError, exitCodeConfig } from '../services/common/config/config.js';

/** Exit codes of `tori`; `tori --help` lists them. */
export const exitCodes = {
  ok: 0,
  /** It ran, and the answer is no: a mismatch, a job that failed. */
  failure: 1,
  /** The command line is wrong. */
  usage: 2,
  /** What was named does not exist. */
  notFound: 3,
  /** A manifest, an argument or a request was refused. */
  refused: 4,
  /** The gateway or the operator does not answer. */
  unreachable: 5,
  /** `status --timeout`: the rollout has failed and waits for a person, or the spec is refused. */
  stalled: 10,
  /** `status --timeout`: the wanted revision was rolled back. */
  rolledBack: 11,
  /** `status --timeout`: no outcome in time. */
  timedOut: 12,
  /** A variable of the environment is wrong. */
  config: exitCodeConfig,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command with an exit code and, unless it is empty, a message for stderr. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

const codesOfTools: Readonly<Record<string, ExitCode>> = {
  NOT_FOUND: exitCodes.notFound,
  INVALID_ARGUMENT: exitCodes.refused,
  ALREADY_EXISTS: exitCodes.refused,
  FAILED_PRECONDITION: exitCodes.refused,
  RESOURCE_EXHAUSTED: exitCodes.refused,
  UNAVAILABLE: exitCodes.unreachable,
  DEADLINE_EXCEEDED: exitCodes.unreachable,
  CANCELLED: exitCodes.interrupted,
};

/** The exit code of anything that a command throws. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof ConfigError) return exitCodes.config;
  if (error instanceof McpToolError) return codesOfTools[error.code] ?? exitCodes.failure;
  return exitCodes.failure;
}
