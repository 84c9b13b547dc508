import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { packageRoot } from '../harness/local-cluster.js';

/** Programs that {@link programs} can find or build. */
export type Program =
  | 'coredns'
  | 'etcd'
  | 'flagger'
  | 'helm'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-proxy'
  | 'kube-score'
  | 'kube-scheduler'
  | 'kubeconform'
  | 'kubectl'
  | 'kubelet'
  | 'pause';

const buildScript = join(packageRoot, 'test', 'cluster', 'build.sh');

/** The kubeconfig of a cluster that tests may use and fill, from TORI_TEST_KUBECONFIG; undefined when none was given. */
export function givenKubeconfig(): string | undefined {
  const given = process.env['TORI_TEST_KUBECONFIG'];
  return given === '' ? undefined : given;
}

/** Why no control plane can be had on this machine; undefined when one can. */
export function controlPlaneMissing(): string | undefined {
  if (process.env['CI'] === 'true') return undefined;
  if (found('kube-apiserver') !== undefined && found('etcd') !== undefined) return undefined;
  if (spawnSync('go', ['version']).status === 0) return undefined;
  return 'neither KUBEBUILDER_ASSETS nor Go is here';
}

/**
 * Paths of programs, in the order asked: from KUBEBUILDER_ASSETS where it has them, else from the cache, else, beside a
 * cluster that was given, from the PATH, else built from source, which takes minutes once.
 * @throws Error with the compiler's output when a build fails
 */
export function programs<const P extends readonly Program[]>(
  ...names: P
): { readonly [K in keyof P]: string } {
  const missing = names.filter((name) => found(name) === undefined);
  if (missing.length > 0) execFileSync(buildScript, missing, { stdio: ['ignore', 'pipe', 'inherit'] });
  return names.map((name) => found(name) ?? join(cacheFolder(), name)) as { readonly [K in keyof P]: string };
}

function found(name: Program): string | undefined {
  const onPath = givenKubeconfig() === undefined ? [] : (process.env['PATH'] ?? '').split(delimiter);
  return [process.env['KUBEBUILDER_ASSETS'], cacheFolder(), ...onPath]
    .flatMap((folder) => (folder === undefined ? [] : [join(folder, name)]))
    .find((path) => existsSync(path));
}

let cached: string | undefined;

function cacheFolder(): string {
  cached ??= execFileSync(buildScript, ['--folder'], { encoding: 'utf8' }).trim();
  return cached;
}
