import { ApiError, ConnectionError } from '../../operator/runtime/client/errors.js';
import { CliError, exitCodes } from '../exit.js';

/** What was asked of the API server, for the message. */
export interface Asked {
  readonly verb: string;
  readonly kind: string;
  readonly namespace?: string;
}

/** Asks the API server, and says in a person's words what went wrong. @throws CliError */
export async function told<T>(ask: () => Promise<T>, asked: Asked): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw explained(error, asked);
  }
}

function explained(error: unknown, asked: Asked): unknown {
  if (error instanceof ConnectionError) {
    return new CliError(exitCodes.unreachable, `the API server does not answer: ${error.message}`, {
      cause: error,
    });
  }
  if (!(error instanceof ApiError)) return error;
  const known = explanations[error.status];
  const { exitCode, text } = known?.(error, asked) ?? { exitCode: exitCodes.failure, text: error.message };
  return new CliError(exitCode, text, { cause: error });
}

type Explanation = (error: ApiError, asked: Asked) => { readonly exitCode: number; readonly text: string };

const explanations: Readonly<Record<number, Explanation>> = {
  401: ({ message }) => refused(`the API server does not accept your credentials: ${message}`),
  403: forbidden,
  404: ({ message }, { kind }) => ({
    exitCode: exitCodes.notFound,
    text: `${message}; are the CRDs of TORI Memory installed? ${kind} is not served`,
  }),
  409: ({ message }) => refused(message),
  422: ({ message }) => refused(message),
};

function refused(text: string) {
  return { exitCode: exitCodes.refused, text };
}

/** RBAC says "cannot"; an admission policy gives its own reason. */
function forbidden({ message }: ApiError, { verb, kind, namespace }: Asked): ReturnType<Explanation> {
  if (!message.includes(' cannot ')) return refused(message);
  const where = namespace === undefined ? 'in every namespace' : `in namespace ${namespace}`;
  const role =
    roles[kind === 'MemoryAction' && verb === 'create' ? 'approve' : verb === 'patch' ? 'edit' : 'view'];
  return refused(
    `you may not ${verb} ${kind} ${where}: the role ${role} of the Helm chart allows it (${message})`,
  );
}

/** ClusterRoles of the chart; a release of another name has it in front. */
const roles = {
  view: 'tori-memory-view',
  edit: 'tori-memory-edit',
  approve: 'tori-memory-approve',
} as const;
