import type { World } from './world.js';

/** A user of its own for an operator, so that the audit log tells whose request it was. */
export interface Account {
  readonly user: string;
  readonly kubeconfig: string;
}

/** Makes a service account that may do everything. */
export async function makeAccount({ plane }: World, name: string): Promise<Account> {
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await plane.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await run('create', 'serviceaccount', name);
  const binding = ['--clusterrole=cluster-admin', `--serviceaccount=default:${name}`];
  await run('create', 'clusterrolebinding', name, ...binding);
  const token = await run('create', 'token', name, '--duration=6h');
  return {
    user: `system:serviceaccount:default:${name}`,
    kubeconfig: plane.kubeconfigOf(name, token.trim()),
  };
}
