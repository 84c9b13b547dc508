import { localProblems } from '../../api/local.js';
import type { MemoryCluster } from '../../api/memory-cluster.js';
import type { ManifestProblem } from '../../api/problem.js';
import type { Platform } from '../../reconcile/reconcile.js';
import { execute } from './execute.js';
import type { Machine } from './machine.js';
import { observe } from './observe.js';
import { buildOf } from './processes.js';

/** A cluster as supervised processes of this machine. */
export function localPlatform(machine: Machine): Platform {
  return {
    problems: (cluster) => [...localProblems(cluster), ...versionProblems(machine, cluster)],
    observe: (cluster) => observe(machine, cluster),
    prepare: (plan) => ({ carryOut: () => execute(machine, plan) }),
    async keepUp() {
      await machine.supervisor.reconcile();
    },
  };
}

function versionProblems(machine: Machine, { spec }: MemoryCluster): ManifestProblem[] {
  if (buildOf(spec.version, machine) !== undefined) return [];
  const reason = `is not installed: expected "current", "${machine.packageVersion}" or a build in ${machine.home.versions}`;
  return [{ path: 'spec.version', value: spec.version, reason }];
}
