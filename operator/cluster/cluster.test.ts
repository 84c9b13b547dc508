import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clusterOf, servingWorld, specOf } from '../../test/rollout/world.js';
import { statusProblems } from '../api/kstatus.js';
import type { ServiceStatus } from '../api/memory-cluster.js';
import { tuningProfileSpecSchema, type TuningProfileSpec } from '../api/tuning-profile.js';
import { structureCheck } from '../api/structure.js';
import { effectiveParameters, parameterCatalogue } from './parameters.js';
import { revisionOf, templateOf } from './revision.js';
import { clusterStatus, type StatusInputs } from './status.js';
import { busEnvironment } from './bus.js';
import { desiredWorkloads } from './workloads.js';

const revision = (spec: Record<string, unknown>) => revisionOf(templateOf(clusterOf(spec).spec));

describe('a revision', () => {
  test.each([
    ['version', { version: '2' }],
    ['environment', { services: { vault: { env: { LOG_LEVEL: 'debug' } } } }],
    ['an explicit parameter', { services: { koopman: { parameters: { dmdRank: 60 } } } }],
    ['an image', { services: { gateway: { image: 'registry/gateway:2' } } }],
  ])('changes with %s', (_, spec) => expect(revision(spec)).not.toBe(revision({})));

  test.each([
    ['replicas', { services: { gateway: { replicas: 3 } } }],
    ['resources', { services: { vault: { resources: { limits: { memory: '1Gi' } } } } }],
    ['the rollout', { rollout: { onFail: 'pause' } }],
    ['the profile', { tuningProfileRef: { name: 'p' } }],
  ])('stays with %s', (_, spec) => expect(revision(spec)).toBe(revision({})));

  test('does not depend on the order of keys', () => {
    const [a, b] = [
      { A: '1', B: '2' },
      { B: '2', A: '1' },
    ];
    expect(revision({ services: { vault: { env: a } } })).toBe(revision({ services: { vault: { env: b } } }));
  });
});

describe('effective parameters', () => {
  const profileOf = (annealT0: object): TuningProfileSpec => {
    const spec = { parameters: { annealT0 } };
    expect(structureCheck(tuningProfileSpecSchema.json)(spec)).toEqual([]);
    return spec as unknown as TuningProfileSpec;
  };

  test('follow the precedence of the contract, whatever is given', () =>
    fc.assert(
      fc.property(
        fc.tuple(...Array.from({ length: 5 }, () => fc.boolean())),
        ([pin, spec, tuner, start, env]) => {
          const cluster = clusterOf({
            services: {
              sleep: { parameters: spec ? { annealT0: 2 } : {}, env: env ? { ANNEAL_T0: '5' } : {} },
            },
          });
          const { annealT0 } = effectiveParameters({
            template: templateOf(cluster.spec),
            profile: profileOf({ ...(pin ? { pin: 1 } : {}), ...(start ? { start: 4 } : {}) }),
            tuned: tuner ? { annealT0: 3 } : {},
          });
          const expected = [
            [pin, 'Pin', 1],
            [spec, 'Spec', 2],
            [tuner, 'Tuner', 3],
            [start, 'Profile', 4],
            [env, 'Environment', 5],
            [true, 'Default', parameterCatalogue.annealT0.default],
          ].find(([given]) => given)!;
          expect([annealT0.source, annealT0.value]).toEqual(expected.slice(1));
        },
      ),
    ));
});

describe('workloads', () => {
  const cluster = clusterOf({
    services: {
      sleep: { env: { LOG_LEVEL: 'debug', ANNEAL_T0: '3' } },
      pruner: { parameters: { l1Strength: 0.002 } },
    },
  });
  const template = templateOf(cluster.spec);
  const parameters = effectiveParameters({ template, tuned: {} });
  const of = (track: 'stable' | 'canary') =>
    desiredWorkloads(cluster.spec, { track, revision: 'r', template, parameters });

  test('stable has the ports of the contract and the gateway', () => {
    expect(of('stable').map(({ program, port, metricsPort }) => [program, port, metricsPort])).toEqual([
      ['episodic-vault', 50_051, 9091],
      ['sparse-pruner', 50_053, 9093],
      ['sleep-scheduler', 50_052, 9092],
      ['koopman-learner', 50_054, 9094],
      ['mcp-gateway', 8787, 9095],
    ]);
  });

  test('a canary has the same ports and no gateway', () => {
    expect(of('canary')).toEqual(
      of('stable')
        .filter(({ service }) => service !== 'gateway')
        .map((workload) => ({ ...workload, track: 'canary' })),
    );
  });

  test('the limit of the clients is in the environment of the gateway', () => {
    const limited = clusterOf({ services: { gateway: { rateLimit: { requestsPerSecond: 20 } } } });
    const wish = { track: 'stable', revision: 'r', template, parameters } as const;
    expect(desiredWorkloads(limited.spec, wish).at(-1)).toMatchObject({
      service: 'gateway',
      env: { GATEWAY_RATE_PER_SECOND: '20', GATEWAY_RATE_BURST: '100' },
    });
  });

  test('parameters are in the environment once, as effective', () => {
    const [, pruner, sleep] = of('stable');
    expect(sleep).toMatchObject({
      env: { LOG_LEVEL: 'debug' },
      parameterEnv: { ANNEAL_T0: '3', LEARNING_RATE: '0.01', PRUNE_L1_THRESHOLD: '0.002' },
    });
    expect(sleep!.env).not.toHaveProperty('ANNEAL_T0');
    expect(pruner!.parameterEnv).toEqual({ PRUNE_L1_THRESHOLD: '0.002' });
  });

  test('a text that is no number reaches the service, which refuses it by name', () => {
    const wrong = clusterOf({ services: { sleep: { env: { ANNEAL_T0: 'hot' } } } });
    const ofWrong = templateOf(wrong.spec);
    const values = effectiveParameters({ template: ofWrong, tuned: {} });
    const wish = { track: 'stable', revision: 'r', template: ofWrong, parameters: values } as const;
    const sleep = desiredWorkloads(wrong.spec, wish).find(({ service }) => service === 'sleep');
    expect(sleep?.parameterEnv).toMatchObject({ ANNEAL_T0: 'hot' });
  });
});

describe('the bus', () => {
  test('is embedded unless asked otherwise', () => {
    expect(busEnvironment(clusterOf({}), 'stable', '/redis/url')).toEqual({});
  });

  test('through Redis keeps clusters and tracks apart by its prefix', () => {
    const cluster = clusterOf({ bus: { driver: 'redis' } });
    const { name } = cluster.metadata;
    const named = { ...cluster, metadata: { ...cluster.metadata, namespace: 'ns' } };
    expect(busEnvironment(named, 'canary', '/redis/url')).toEqual({
      BUS_DRIVER: 'redis',
      BUS_PREFIX: `ns:${name}:canary`,
      REDIS_URL_FILE: '/redis/url',
    });
    const local = { ...cluster, metadata: { name } };
    expect(busEnvironment(local, 'stable', '/u')).toMatchObject({ BUS_PREFIX: `default:${name}:stable` });
  });
});

describe('the status of a cluster', () => {
  const now = new Date('2026-01-01T00:00:00.000Z');
  const down: ServiceStatus = {
    name: 'vault',
    track: 'stable',
    revision: 'r',
    wanted: 1,
    ready: 0,
    message: 'exit 78',
  };
  const inputs = (more: Partial<StatusInputs>): StatusInputs => ({
    cluster: clusterOf({}),
    generation: 3,
    services: [],
    endpoints: {},
    problems: [],
    ...more,
  });
  const at = (state: string, rollout: Record<string, unknown> = {}) => {
    const world = servingWorld(rollout);
    world.wish = { spec: specOf(0.02, rollout) };
    if (state === 'RolledBack') {
      world.quality = 'failing';
      world.runUntil(({ history }) => history[0]?.outcome === 'RolledBack');
    } else {
      world.runUntil((status) => status.state === state);
    }
    return { cluster: { ...clusterOf({}), spec: world.wish.spec }, rollout: world.status! };
  };

  test.each<[string, Partial<StatusInputs>, string, string, string | undefined]>([
    ['nothing yet', {}, 'Reconciling', 'False', 'Reconciling'],
    [
      'an invalid manifest',
      { problems: [{ path: 'spec', value: 1, reason: 'bad' }] },
      'Failed',
      'False',
      'Stalled',
    ],
    ['a hold', at('Holding'), 'Canary', 'True', undefined],
    [
      'a hold that is waited for',
      at('Holding', { waitPolicy: 'untilPromoted' }),
      'Canary',
      'False',
      'Reconciling',
    ],
    ['a promotion', at('Promoting'), 'Promoting', 'True', undefined],
    ['a drain after it', at('Draining'), 'Promoting', 'True', undefined],
    ['a pause for a promote', at('Paused', { autoPromote: false }), 'Paused', 'True', undefined],
    ['a rollback that is done', at('RolledBack'), 'Failed', 'False', 'Stalled'],
    ['a service that is down', { ...at('Holding'), services: [down] }, 'Canary', 'False', 'Reconciling'],
  ])('%s', (...[, more, phase, ready, other]) => {
    const status = clusterStatus(inputs(more), now);
    expect(status.phase).toBe(phase);
    expect(status.conditions.find(({ type }) => type === 'Ready')?.status).toBe(ready);
    const abnormal = status.conditions.find(({ type }) => type === 'Reconciling' || type === 'Stalled');
    expect(abnormal?.type).toBe(other);
    expect(status.message).not.toBe('');
    expect(statusProblems({ metadata: { generation: 3 }, status })).toEqual([]);
  });

  test('a cluster that serves one revision is Ready', () => {
    const world = servingWorld();
    const cluster = { ...clusterOf({}), spec: world.wish.spec };
    expect(clusterStatus(inputs({ cluster, rollout: world.status! }), now)).toMatchObject({
      phase: 'Ready',
      observedGeneration: 3,
      conditions: [{ type: 'Ready', status: 'True', reason: 'Serving' }],
    });
  });

  test('nothing new gives an equal status, so that no write is needed', () => {
    const { cluster, rollout } = at('Holding');
    const first = clusterStatus(inputs({ cluster, rollout }), now);
    const later = new Date(now.getTime() + 3_600_000);
    expect(clusterStatus(inputs({ cluster: { ...cluster, status: first }, rollout }), later)).toEqual(first);
  });

  test('the canary is told in words', () => {
    expect(clusterStatus(inputs(at('Holding')), now).canary).toMatchObject({
      weight: '1%',
      step: '1/3',
      hold: '10m',
    });
  });
});
