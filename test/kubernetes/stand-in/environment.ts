import type { ApiClient } from '../../../operator/runtime/index.js';
import { configMapType } from '../../../operator/platform/kubernetes/kinds.js';
import type { AddressBook } from './address-book.js';
import type { Mounts } from './mounts.js';
import { workloadOf, type StandInPod } from './pod.js';

const portVariables = ['GRPC_PORT', 'METRICS_PORT', 'GATEWAY_PORT'];
const hostVariables = ['GRPC_HOST', 'GATEWAY_HOST', 'METRICS_HOST'];

/** The environment that a pod asks for, with paths, ports and host names of this machine in the place of its own. */
export async function environmentOf(
  client: ApiClient,
  pod: StandInPod,
  { mounts, book }: { readonly mounts: Mounts; readonly book: AddressBook },
): Promise<Record<string, string>> {
  const { namespace = '', name } = pod.metadata;
  const env: Record<string, string> = {};
  for (const { name: variable, value, valueFrom } of pod.spec.containers[0]?.env ?? []) {
    const text = value ?? (await referenced(client, namespace, valueFrom?.configMapKeyRef));
    env[variable] = translate(variable, text);
  }
  return env;

  function translate(variable: string, text: string): string {
    if (hostVariables.includes(variable)) return '127.0.0.1';
    if (portVariables.includes(variable)) return String(portOf(pod, book, Number(text)));
    const mounted = [...mounts].find(([path]) => text === path || text.startsWith(`${path}/`));
    if (mounted !== undefined) return `${mounted[1]}${text.slice(mounted[0].length)}`;
    return text.replaceAll(
      /([a-z0-9-]+)\.([a-z0-9-]+)\.svc:(\d+)/g,
      (_, service: string, of: string, port: string) => `127.0.0.1:${book.port(of, service, Number(port))}`,
    );
  }

  async function referenced(
    api: ApiClient,
    of: string,
    reference: { readonly name: string; readonly key: string } | undefined,
  ): Promise<string> {
    if (reference === undefined) throw new Error(`${name}: a variable without a value`);
    const { data } = await api.get(configMapType, { name: reference.name, namespace: of });
    const text = data?.[reference.key];
    if (text === undefined) throw new Error(`${reference.name} has no key ${reference.key}`);
    return text;
  }
}

/** Pods of a Deployment may overlap and have ports of their own; others have those of their workload. */
export function portOf(pod: StandInPod, book: AddressBook, port: number): number {
  const { namespace = '', name } = pod.metadata;
  const workload = workloadOf(pod);
  return workload.endsWith('-gateway')
    ? book.port(namespace, name, port)
    : book.port(namespace, workload, port);
}
