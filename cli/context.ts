import type { Command } from 'commander';
import type { ResourceAccess } from './resources/access.js';
import type { Terminal } from './terminal.js';

/** Which resources a command is about. */
export interface Scope {
  /** Lists reach over every namespace. */
  readonly everywhere?: boolean;
}

/** What a command that works on resources gets, on one machine and on Kubernetes alike. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The command as people type it: `tori` or `kubectl tori`. */
  readonly self: string;
  /** Whether resources live in namespaces here. */
  readonly namespaces: boolean;
  /** Opens the resources that the options of the command line name. */
  readonly open: (scope?: Scope) => Promise<ResourceAccess>;
}

/** Adds a command of both programs. Its action throws CliError for any end but 0. */
export type SharedRegistration = (program: Command, context: CommandContext) => void;
