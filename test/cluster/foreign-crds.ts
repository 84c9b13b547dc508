import { execFileSync, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from './cluster.js';

/** CRDs of others, from the Go modules that hold them: there is no registry of CRDs. */
const sources = [
  {
    module: 'sigs.k8s.io/gateway-api@v1.3.0',
    folder: 'config/crd/standard',
    files: ['gateway.networking.k8s.io_httproutes.yaml', 'gateway.networking.k8s.io_grpcroutes.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    folder: 'example/prometheus-operator-crd',
    files: ['monitoring.coreos.com_servicemonitors.yaml', 'monitoring.coreos.com_prometheusrules.yaml'],
  },
  {
    module: 'github.com/kubernetes-csi/external-snapshotter/client/v8@v8.6.0',
    folder: 'config/crd',
    files: ['snapshot.storage.k8s.io_volumesnapshots.yaml'],
  },
];

/** Whether {@link installForeignCrds} can work here. */
export function foreignCrdsAvailable(): boolean {
  return spawnSync('go', ['version']).status === 0;
}

/** Installs HTTPRoute, GRPCRoute, ServiceMonitor, PrometheusRule and VolumeSnapshot, and waits until they are served. */
export async function installForeignCrds(cluster: Cluster): Promise<void> {
  for (const { module, folder, files } of sources) {
    const answer = execFileSync('go', ['mod', 'download', '-json', module], {
      cwd: tmpdir(),
      encoding: 'utf8',
    });
    const { Dir } = JSON.parse(answer) as { Dir: string };
    const names = files.flatMap((file) => ['-f', join(Dir, folder, file)]);
    for (const args of [
      ['apply', '--server-side', ...names],
      ['wait', '--for=condition=Established', '--timeout=60s', ...names],
    ]) {
      const { code, stderr } = await cluster.kubectl(args);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    }
  }
}
