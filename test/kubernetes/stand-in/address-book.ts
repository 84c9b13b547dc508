import { readFileSync, writeFileSync } from 'node:fs';
import { programs } from '../../../operator/cluster/workloads.js';
import type { Addresses } from '../../../operator/platform/kubernetes/addresses.js';

/** Ports of this machine for the ports of pods, by `namespace/name:port`; the name is of a workload or of a pod. */
type Book = Readonly<Record<string, number>>;

/** Where the stand-in node runs what: kept in a file, because the operator is another process. */
export class AddressBook {
  readonly file: string;
  readonly #free: () => number;
  #book: Record<string, number> = {};

  /** @param free gives a port that nobody has */
  constructor(file: string, free: () => number) {
    this.file = file;
    this.#free = free;
    this.#store();
  }

  /** The port for a port of a workload or pod; the same for ever. */
  port(namespace: string, name: string, port: number): number {
    const key = `${namespace}/${name}:${port}`;
    const known = this.#book[key];
    if (known !== undefined) return known;
    const given = this.#free();
    this.#book = { ...this.#book, [key]: given };
    this.#store();
    return given;
  }

  /** Books all ports of a cluster's tracks, so that they are known before its pods start. */
  cluster(namespace: string, name: string): void {
    for (const [part, { port, metricsPort }] of Object.entries(programs)) {
      // Gateways serve both tracks, and are booked by pod.
      for (const suffix of part === 'gateway' ? [] : ['', '-canary']) {
        this.port(namespace, `${name}-${part}${suffix}`, port);
        this.port(namespace, `${name}-${part}${suffix}`, metricsPort);
      }
    }
  }

  #store(): void {
    writeFileSync(this.file, JSON.stringify(this.#book));
  }
}

/** What the operator uses in the place of cluster DNS and pod addresses. */
export function bookedAddresses(file: string): Addresses {
  const of = (namespace: string, name: string, port: number) => {
    const book = JSON.parse(readFileSync(file, 'utf8')) as Book;
    return book[`${namespace}/${name}:${port}`];
  };
  const at = (namespace: string, name: string, port: number) => `127.0.0.1:${of(namespace, name, port) ?? 1}`;
  const url = (name: string, namespace: string, port: number, path: string) => {
    // Gateways are booked by pod, all others by workload: a StatefulSet or a Deployment.
    const workloads = [name, name.replace(/-\d+$/, ''), name.replace(/-[a-z0-9]+-[a-z0-9]+$/, '')];
    const booked = workloads.map((one) => of(namespace, one, port)).find((one) => one !== undefined);
    return booked === undefined ? undefined : `http://127.0.0.1:${booked}${path}`;
  };
  return {
    track({ metadata: { name, namespace = '' } }, track) {
      const suffix = track === 'canary' ? '-canary' : '';
      return {
        vault: at(namespace, `${name}-vault${suffix}`, 50_051),
        sleep: at(namespace, `${name}-sleep${suffix}`, 50_052),
        pruner: at(namespace, `${name}-pruner${suffix}`, 50_053),
        koopman: at(namespace, `${name}-koopman${suffix}`, 50_054),
      };
    },
    gateway: ({ metadata: { name, namespace = '' } }) => url(name, namespace, 8_787, ''),
    metrics: ({ metadata: { name, namespace = '' } }, port) => url(name, namespace, port, '/metrics'),
  };
}
