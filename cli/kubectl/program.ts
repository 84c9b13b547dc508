import { Command } from 'commander';
import { registerActions } from '../commands/actions.js';
import { registerExplain } from '../commands/explain.js';
import { registerExport } from '../commands/export.js';
import { registerHistory } from '../commands/history.js';
import { registerPin } from '../commands/pin.js';
import { registerSimulate } from '../commands/simulate.js';
import { registerStatus } from '../commands/status.js';
import { registerVersion } from '../commands/version.js';
import type { CommandContext, SharedRegistration } from '../context.js';
import { kubernetesAccess } from '../resources/kubernetes-access.js';
import type { Terminal } from '../terminal.js';

/** Commands of both programs, on files of one machine and on Kubernetes. */
export const sharedRegistrations: readonly SharedRegistration[] = [
  registerStatus,
  registerExplain,
  registerActions,
  registerHistory,
  registerPin,
  registerExport,
  registerSimulate,
];

const help = `
Exit codes:
  0 ok   1 failure   2 usage   3 not found   4 refused or invalid   5 unreachable   10-12 outcomes of \`status --timeout\`
  78 kubeconfig or environment   130 interrupted`;

/** The kubectl plugin: what concerns resources of a cluster, with the options that kubectl users know. */
export function kubectlProgram(terminal: Terminal): Command {
  const program = new Command('kubectl tori')
    .description('Memory clusters: where they are, why, and what a person may decide.')
    .option('--kubeconfig <file>', 'path of the kubeconfig (default: KUBECONFIG, ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace (default: that of the context)')
    .option('--debug', 'show stack traces of errors')
    .addHelpText('after', help);
  const context: CommandContext = {
    terminal,
    self: 'kubectl tori',
    namespaces: true,
    open: (scope) => {
      const options = program.opts<{ kubeconfig?: string; context?: string; namespace?: string }>();
      return kubernetesAccess({ ...options, env: terminal.env, signal: terminal.signal }, scope);
    },
  };
  for (const register of sharedRegistrations) register(program, context);
  registerVersion(program, terminal);
  return program;
}
