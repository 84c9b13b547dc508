import type { Requests } from './audit.js';

/** What one operator did with the same number of resources. */
export interface ContenderResult {
  readonly name: string;
  readonly version: string;
  readonly resources: number;
  /** Children of one resource before any workload was ready, and the seconds until those of all were there. */
  readonly childrenEach: number;
  readonly createSeconds: number;
  readonly objectsPerSecond: number;
  /** The same children, applied by a client that watches and decides nothing. */
  readonly plainPerSecond: number;
  /** Until every resource was at rest after its workloads were ready. */
  readonly settleSeconds: number;
  readonly rest: {
    readonly seconds: number;
    readonly requests: Requests;
    readonly requestsPerSecond: number;
    readonly cpuSecondsPerMinute: number;
    readonly residentBytes: number;
    readonly peakBytes: number;
    /** One-minute load of the machine in the middle of the rest, of everything that ran on it. */
    readonly load: number;
  };
  /** After a change of an annotation of every resource, which asks for nothing. */
  readonly touched: { readonly requests: Requests; readonly requestsPerResource: number };
}

export interface OperatorBenchResult {
  readonly kubernetes: string;
  readonly contenders: readonly ContenderResult[];
}
