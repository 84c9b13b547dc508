import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { controlPlaneMissing, programs } from '../cluster/binaries.js';
import { everyExample, variants } from './rendered.js';
import { describeWith } from '../harness/needs.js';

interface Scored {
  readonly object_name: string;
  readonly checks: readonly {
    readonly check: { readonly id: string };
    readonly skipped: boolean;
    readonly grade: number;
    readonly comments: readonly { readonly path: string; readonly summary: string }[] | null;
  }[];
}

/** Every finding of kube-score that stays, with the reason. */
const exceptions: readonly { readonly finding: RegExp; readonly reason: string }[] = [
  {
    finding: /^container-resources: CPU limit is not set/,
    reason: 'a container that is throttled answers late though the node is idle; requests share the node out',
  },
  {
    finding: /^container-image-pull-policy: /,
    reason: 'tags are releases and never move; with Always no pod could start while the registry is away',
  },
  {
    finding: /^pod-networkpolicy: The pod does not have a matching egress NetworkPolicy/,
    reason:
      'DNS, a Redis elsewhere and Prometheus are where the owner of the cluster has them; who calls us is what matters',
  },
  {
    finding: /^deployment-replicas: /,
    reason: 'the sleep-scheduler is a single writer, and how many gateways there are is for the spec to say',
  },
  {
    finding: /^deployment-strategy: /,
    reason: 'two sleep-schedulers side by side would replay the same episodes: Recreate',
  },
];

const suite = describeWith(controlPlaneMissing());

suite('kube-score', () => {
  const findings = () => {
    const objects = [...everyExample, ...variants].flatMap((one) => one.objects());
    const [path] = programs('kube-score');
    const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    const { stdout, stderr } = spawnSync(path, ['score', '--output-format', 'json', '-'], {
      input,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (stdout === '') throw new Error(stderr);
    return (JSON.parse(stdout) as Scored[]).flatMap(({ object_name, checks }) =>
      checks
        .filter(({ skipped, grade }) => !skipped && grade < 10)
        .flatMap(({ check, comments }) =>
          (comments ?? []).map(({ summary }) => ({ object_name, finding: `${check.id}: ${summary}` })),
        ),
    );
  };

  test('finds nothing but what we have reasons for, and no reason is left over', () => {
    const found = findings();
    const unexplained = found.filter((one) => !exceptions.some(({ finding }) => finding.test(one.finding)));
    expect(unexplained).toEqual([]);
    const unused = exceptions.filter(({ finding }) => !found.some((one) => finding.test(one.finding)));
    expect(unused.map(({ reason }) => reason)).toEqual([]);
  });
});
