import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Machine, MachineNetwork } from './machine.js';

/** Name of the one node. */
export const nodeName = 'tori-node';

/** The cluster's name server, by custom the tenth address of the services' network. */
export function dnsAddress({ services }: MachineNetwork): string {
  return services.replace(/\.0\/\d+$/, '.10');
}

/** Name of the sandbox image as `images.sh pause` tags it. */
const sandboxImage = 'localhost/pause:test';

/** Paths of the files that the node's programs are started with. */
export interface NodeConfiguration {
  readonly containerd: string;
  readonly kubelet: string;
  readonly proxy: string;
}

/** Writes the configuration of containerd, its network, kubelet and kube-proxy. */
export function writeConfiguration(
  folder: string,
  machine: Machine,
  credentials: { readonly kubeconfig: string; readonly kubeletClients: string },
): NodeConfiguration {
  const write = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  mkdirSync(join(folder, 'network'));
  write('network/pods.conflist', JSON.stringify(podNetwork(machine.network.pods)));
  write('resolv.conf', 'options ndots:1\n');
  return {
    containerd: write('containerd.toml', containerd(folder)),
    kubelet: write('kubelet.yaml', stringify(kubelet(folder, machine, credentials.kubeletClients))),
    proxy: write(
      'kube-proxy.yaml',
      stringify({
        apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
        kind: 'KubeProxyConfiguration',
        mode: 'iptables',
        clusterCIDR: machine.network.pods,
        clientConnection: { kubeconfig: credentials.kubeconfig },
        // The table of connections belongs to the whole kernel; it is not a test's to resize.
        conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
      }),
    ),
  };
}

/** Routed pods: without a bridge, nothing depends on whether bridged packets pass the filters. */
function podNetwork(pods: string): object {
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: true,
        ipam: { type: 'host-local', ranges: [[{ subnet: pods }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function containerd(folder: string): string {
  return `version = 2
root = "${folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/network"
`;
}

function kubelet(folder: string, machine: Machine, kubeletClients: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: machine.network.machine,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: kubeletClients },
    },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${machine.controlGroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDomain: 'cluster.local',
    clusterDNS: [dnsAddress(machine.network)],
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    resolvConf: join(folder, 'resolv.conf'),
    volumePluginDir: join(folder, 'volume-plugins'),
    // Images cannot be pulled again, and how full the disk is concerns no test.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    nodeStatusUpdateFrequency: '5s',
    shutdownGracePeriod: '0s',
  };
}
