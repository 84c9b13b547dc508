import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlPlaneMissing, programs } from '../binaries.js';
import { startControlPlane, type ControlPlane } from '../control-plane.js';
import { nodeName, writeConfiguration } from './configuration.js';
import { dnsManifests } from './dns.js';
import { buildImages, type Image } from './images.js';
import { startMachine, type Machine, type MachineProgram } from './machine.js';
import { startProvisioner } from './volumes.js';

/** A whole Kubernetes on this machine: a control plane and one node that runs pods. */
export interface KubernetesNode {
  readonly cluster: ControlPlane;
  readonly machine: Machine;
  /** Folder that holds one folder a volume. */
  readonly volumes: string;
  /** Waits until the node takes pods and the name server answers. */
  ready(): Promise<void>;
  /** Runs kubectl as the administrator. @throws Error with its standard error unless it exits with 0 */
  kubectl(...args: string[]): Promise<string>;
  /** Applies manifests from standard input. */
  apply(manifests: string): Promise<void>;
  /** Makes images known to the node under the names that `images.sh` gives them. */
  load(...images: Image[]): void;
  /** Gives an image of the node another name. */
  tag(image: string, name: string): void;
  /** Kills containerd and kubelet at once and starts them again; pods' processes go on, as with a restart of the services. */
  restartServices(): Promise<void>;
  /** As after the power was cut: every pod's process is killed with the services. */
  reboot(): Promise<void>;
  /** Process ids on this host of everything in a pod. */
  pidsOf(podUid: string): number[];
  stop(): Promise<void>;
}

/** Why no node can be had on this machine; undefined when one can, and always in CI, where it must. */
export function nodeMissing(): string | undefined {
  if (process.env['CI'] === 'true') return undefined;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux';
  const tools = [
    'containerd',
    'runc',
    'ctr',
    'buildah',
    'iptables',
    'conntrack',
    'nsenter',
    'openssl',
    'apt-get',
  ];
  const absent = tools.filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (!existsSync('/usr/lib/cni/ptp')) absent.push('containernetworking-plugins');
  return absent.length > 0 ? `not installed: ${absent.join(', ')}` : controlPlaneMissing();
}

/** Starts the node; ready when it takes pods and the name server answers. Needs root. */
export async function startNode(): Promise<KubernetesNode> {
  const folder = mkdtempSync(join(tmpdir(), 'tori-node-'));
  const machine = await startMachine(folder);
  // The machine goes before the control plane, whose API server waits for open watches when it ends.
  const stops: (() => Promise<void>)[] = [() => machine.stop()];
  const stop = async () => {
    for (const each of stops.splice(0)) await each();
  };
  try {
    const certificate = createKubeletClient(folder);
    const cluster = await startControlPlane({
      controllers: true,
      scheduler: true,
      address: machine.network.host,
      apiServerFlags: [
        `--advertise-address=${machine.network.host}`,
        `--service-cluster-ip-range=${machine.network.services}`,
        '--endpoint-reconciler-type=lease',
        '--kubelet-preferred-address-types=InternalIP',
        `--kubelet-client-certificate=${certificate.path}`,
        `--kubelet-client-key=${certificate.key}`,
      ],
    });
    stops.push(() => cluster.stop());
    const services = await startServices(folder, machine, cluster, certificate.path);
    const kubectl = async (...args: string[]) => succeed(cluster, args);
    const volumes = join(folder, 'volumes');
    const node: KubernetesNode = {
      cluster,
      machine,
      volumes,
      async ready() {
        await kubectl('wait', `node/${nodeName}`, '--for=condition=Ready', '--timeout=120s');
        await kubectl('-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=120s');
      },
      kubectl,
      apply: async (manifests) => {
        await succeed(cluster, ['apply', '--server-side', '--force-conflicts', '-f', '-'], manifests);
      },
      load: (...images) => {
        for (const archive of buildImages(...images))
          machine.run('ctr', '--namespace=k8s.io', 'images', 'import', archive);
      },
      tag: (image, name) => machine.run('ctr', '--namespace=k8s.io', 'images', 'tag', '--force', image, name),
      restartServices: () => services.restart(),
      reboot: () => services.reboot(),
      pidsOf: (uid) => machine.pidsIn(`pod${uid}`),
      stop,
    };
    node.load('pause', 'coredns');
    stops.unshift(await startProvisioner(cluster, volumes));
    await node.apply(dnsManifests(machine.network));
    await node.ready();
    return node;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function succeed(cluster: ControlPlane, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What the API server shows to kubelet when it asks for logs or a shell; kubelet trusts this one certificate. */
function createKubeletClient(folder: string): { path: string; key: string } {
  const path = join(folder, 'kubelet-client.crt');
  const key = join(folder, 'kubelet-client.key');
  const subject = '/O=system:masters/CN=kubelet-client';
  const request = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const usage = ['-addext', 'extendedKeyUsage=clientAuth'];
  execFileSync('openssl', ['req', ...request, ...usage, '-subj', subject, '-keyout', key, '-out', path], {
    stdio: 'pipe',
  });
  return { path, key };
}

interface Services {
  restart(): Promise<void>;
  reboot(): Promise<void>;
}

async function startServices(
  folder: string,
  machine: Machine,
  cluster: ControlPlane,
  kubeletClients: string,
): Promise<Services> {
  const { kubeconfig } = cluster;
  const files = writeConfiguration(folder, machine, { kubeconfig, kubeletClients });
  const [kubeletPath, proxyPath] = programs('kubelet', 'kube-proxy');
  mkdirSync(join(folder, 'kubelet'));
  const startRuntime = async () => {
    const containerd = machine.start('containerd', 'containerd', ['--config', files.containerd]);
    await containerdAnswers(machine, containerd);
    const kubelet = machine.start('kubelet', kubeletPath, [
      `--config=${files.kubelet}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${join(folder, 'kubelet')}`,
      `--cert-dir=${join(folder, 'kubelet-certificates')}`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${machine.network.machine}`,
    ]);
    return [kubelet, containerd];
  };
  const startProxy = () =>
    machine.start('kube-proxy', proxyPath, [`--config=${files.proxy}`, `--hostname-override=${nodeName}`]);
  let runtime = await startRuntime();
  let proxy = startProxy();
  return {
    async restart() {
      for (const each of runtime) await each.end('SIGKILL');
      runtime = await startRuntime();
    },
    async reboot() {
      machine.killAll();
      for (const each of [...runtime, proxy]) await each.ended;
      runtime = await startRuntime();
      proxy = startProxy();
    },
  };
}

async function containerdAnswers(machine: Machine, containerd: MachineProgram): Promise<void> {
  for (let attempt = 0; attempt < 300 && containerd.running(); attempt++) {
    try {
      machine.run('ctr', 'version');
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new Error('containerd did not answer; see containerd.log');
}
