import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { packageRoot } from '../harness/local-cluster.js';
import { controlPlaneMissing, givenKubeconfig, programs } from './binaries.js';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from './control-plane.js';
import { runKubectl } from './kubectl.js';

/** A Kubernetes for tests that ask nothing of it but its API: one of our own, or the one that TORI_TEST_KUBECONFIG names. */
export type Cluster = Pick<ControlPlane, 'kubeconfig' | 'folder' | 'kubectl' | 'kubeconfigOf' | 'stop'>;

/** Why there is no cluster to be had on this machine; undefined when there is one. */
export function clusterMissing(): string | undefined {
  return givenKubeconfig() === undefined ? controlPlaneMissing() : undefined;
}

/** Opens the cluster that was given, or starts one. @param options what one of our own takes; a given one has it all */
export function openCluster(options: Pick<ControlPlaneOptions, 'controllers'> = {}): Promise<Cluster> {
  const given = givenKubeconfig();
  return given === undefined ? startControlPlane(options) : useCluster(given);
}

/** What tests make outside of namespaces of their own. */
const outside = [
  'namespaces',
  'customresourcedefinitions',
  'clusterroles',
  'clusterrolebindings',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'configmaps',
];

/** A cluster that others run. When the tests are done, what they have made there is deleted. */
async function useCluster(kubeconfig: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'tori-cluster-'));
  const [program] = programs('kubectl');
  const kubectl: Cluster['kubectl'] = (args, input) =>
    runKubectl(program, ['--kubeconfig', kubeconfig, ...args], input);
  const { stdout: config } = await kubectl(['config', 'view', '--raw', '--flatten', '--minify']);
  const before = new Set(await namesIn(kubectl));
  return {
    kubeconfig,
    folder,
    kubectl,
    kubeconfigOf: (name, token) => withToken(config, join(folder, `${name}.kubeconfig`), token),
    async stop() {
      const made = (await namesIn(kubectl)).filter((name) => !before.has(name));
      if (made.length > 0) await kubectl(['delete', '--namespace=default', '--ignore-not-found', ...made]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `kind/name` of everything that is there. Kinds that an older server does not know are left out. */
async function namesIn(kubectl: Cluster['kubectl']): Promise<readonly string[]> {
  const lists = await Promise.all(
    outside.map((kind) => kubectl(['get', kind, '--namespace=default', '--output=name'])),
  );
  const [namespaces] = lists;
  if (namespaces?.code !== 0) throw new Error(`TORI_TEST_KUBECONFIG: ${namespaces?.stderr}`);
  return lists.flatMap(({ code, stdout }) => (code === 0 ? stdout.split('\n').filter(Boolean) : []));
}

interface Kubeconfig {
  readonly users: readonly { readonly name: string }[];
}

/** Writes a copy of a kubeconfig of one user, who logs in with another token. */
function withToken(kubeconfig: string, path: string, token: string): string {
  const config = parse(kubeconfig) as Kubeconfig;
  const users = config.users.map(({ name }) => ({ name, user: { token } }));
  writeFileSync(path, stringify({ ...config, users }), { mode: 0o600 });
  return path;
}

/** Applies the project's CRDs and waits until the API server serves them. */
export async function installCrds(cluster: Cluster): Promise<void> {
  const folder = join(packageRoot, 'crds');
  for (const args of [
    ['apply', '--server-side', '-f', folder],
    ['wait', '--for=condition=Established', '--timeout=60s', '-f', folder],
  ]) {
    const { code, stderr } = await cluster.kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  }
}
