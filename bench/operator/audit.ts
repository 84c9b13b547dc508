import { createReadStream, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';

const eventSchema = z.object({
  verb: z.string(),
  userAgent: z.string().default(''),
  requestReceivedTimestamp: z.string(),
  objectRef: z.object({ resource: z.string().default(''), subresource: z.string().optional() }).optional(),
});

const writing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Requests of one operator in a span of time. */
export interface Requests {
  readonly total: number;
  /** Renewals of the lease by which it leads. */
  readonly leases: number;
  /** Everything else that writes. */
  readonly writes: number;
  /** Count by verb and resource, such as `patch deployments`, most first. */
  readonly byKind: Readonly<Record<string, number>>;
}

/** An audit log that holds a line for every request, without bodies, written in the background. */
export class AuditLog {
  readonly #file: string;
  /** Flags that make the API server write it. */
  readonly flags: readonly string[];

  constructor(folder: string) {
    this.#file = join(folder, 'requests.log');
    const policy = join(folder, 'requests-policy.yaml');
    writeFileSync(
      policy,
      stringify({
        apiVersion: 'audit.k8s.io/v1',
        kind: 'Policy',
        omitStages: ['RequestReceived', 'ResponseStarted'],
        rules: [{ level: 'Metadata', omitManagedFields: true }],
      }),
    );
    this.flags = [
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${this.#file}`,
      '--audit-log-mode=batch',
      '--audit-log-batch-max-wait=500ms',
    ];
  }

  /** Place from which {@link requests} may read on. */
  get position(): number {
    return statSync(this.#file).size;
  }

  /** Requests by user agent that were received in [from, to), in epoch milliseconds. */
  async requests(
    userAgents: readonly string[],
    { position, from, to }: { readonly position: number; readonly from: number; readonly to: number },
  ): Promise<Requests> {
    const counts = new Map<string, number>();
    const input = createReadStream(this.#file, { start: position });
    for await (const line of createInterface({ input })) {
      const event = parse(line);
      if (event === undefined || !userAgents.some((start) => event.userAgent.startsWith(start))) continue;
      const at = Date.parse(event.requestReceivedTimestamp);
      if (at < from || at >= to) continue;
      const { resource = 'none', subresource } = event.objectRef ?? {};
      const kind = `${event.verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const of = (matches: (verb: string, resource: string) => boolean) =>
      [...counts].reduce((sum, [kind, count]) => {
        const [verb = '', resource = ''] = kind.split(' ');
        return matches(verb, resource) ? sum + count : sum;
      }, 0);
    return {
      total: of(() => true),
      leases: of((verb, resource) => writing.has(verb) && resource === 'leases'),
      writes: of((verb, resource) => writing.has(verb) && resource !== 'leases'),
      byKind: Object.fromEntries([...counts].sort(([, a], [, b]) => b - a)),
    };
  }
}

/** The last line may be half written. */
function parse(line: string): z.output<typeof eventSchema> | undefined {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
