/** A manifest that must be refused, with the path that the refusal must name and what its reason says. */
export interface WrongManifest {
  readonly name: string;
  readonly yaml: string;
  readonly path: string;
  readonly reason: RegExp;
}

const head = (kind: string, name = 'wrong') =>
  `apiVersion: memory.tori.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

const cluster = (name: string, spec: string, path: string, reason: RegExp): WrongManifest => ({
  name: `MemoryCluster: ${name}`,
  yaml: `${head('MemoryCluster')}spec: { version: "1", ${spec} }\n`,
  path,
  reason,
});

const profile = (name: string, spec: string, path: string, reason: RegExp): WrongManifest => ({
  name: `TuningProfile: ${name}`,
  yaml: `${head('TuningProfile')}spec: { ${spec} }\n`,
  path,
  reason,
});

const action = (name: string, spec: string, path: string, reason: RegExp): WrongManifest => ({
  name: `MemoryAction: ${name}`,
  yaml: `${head('MemoryAction')}spec: { ${spec} }\n`,
  path,
  reason,
});

const rule = (fields: string) =>
  `rules: [{ id: r, parameter: annealT0, metric: m, when: above, enter: 2, exit: 1, action: { type: multiply, value: 2 }, ${fields} }]`;

/** Wrong manifests over every section of the kinds, and over every rule between fields. */
export const wrongManifests: readonly WrongManifest[] = [
  {
    name: 'an unknown kind',
    yaml: `${head('MemoryClusters')}spec: { version: "1" }\n`,
    path: 'kind',
    reason: /did you mean "MemoryCluster"/,
  },
  {
    name: 'another apiVersion',
    yaml: 'apiVersion: memory.tori.dev/v1\nkind: MemoryCluster\nmetadata: { name: m }\nspec: { version: "1" }\n',
    path: 'apiVersion',
    reason: /memory\.tori\.dev\/v1alpha1/,
  },
  {
    name: 'no metadata',
    yaml: 'apiVersion: memory.tori.dev/v1alpha1\nkind: MemoryCluster\nspec: { version: "1" }\n',
    path: 'metadata',
    reason: /must be given/,
  },
  {
    name: 'a name in upper case',
    yaml: `${head('MemoryCluster', 'Memory')}spec: { version: "1" }\n`,
    path: 'metadata.name',
    reason: /must match/,
  },
  {
    name: 'a name that is too long',
    yaml: `${head('TuningProfile', 'x'.repeat(64))}spec: {}\n`,
    path: 'metadata.name',
    reason: /at most 63/,
  },
  { name: 'no spec', yaml: head('MemoryCluster'), path: 'spec', reason: /must be given/ },
  {
    name: 'no version',
    yaml: `${head('MemoryCluster')}spec: {}\n`,
    path: 'spec.version',
    reason: /must be given/,
  },
  {
    name: 'a version that is a number',
    yaml: `${head('MemoryCluster')}spec: { version: 1.0 }\n`,
    path: 'spec.version',
    reason: /type string/,
  },
  cluster('a misspelt field', 'rolout: {}', 'spec.rolout', /did you mean "rollout"/),
  cluster(
    'a misspelt nested field',
    'services: { vault: { replica: 1 } }',
    'spec.services.vault.replica',
    /did you mean "replicas"/,
  ),
  cluster(
    'no replicas',
    'services: { gateway: { replicas: 0 } }',
    'spec.services.gateway.replicas',
    /at least 1/,
  ),
  cluster(
    'two sleep-schedulers',
    'services: { sleep: { replicas: 2 } }',
    'spec.services.sleep.replicas',
    /single writer/,
  ),
  cluster(
    'two pruners',
    'services: { pruner: { replicas: 2 } }',
    'spec.services.pruner.replicas',
    /single writer/,
  ),
  cluster(
    'two learners',
    'services: { koopman: { replicas: 3 } }',
    'spec.services.koopman.replicas',
    /single writer/,
  ),
  cluster(
    'two vaults on lmdb',
    'services: { vault: { replicas: 2 } }',
    'spec.services.vault.replicas',
    /postgres/,
  ),
  cluster(
    'a temperature of zero',
    'services: { sleep: { parameters: { annealT0: 0 } } }',
    'spec.services.sleep.parameters.annealT0',
    /at least 0\.25/,
  ),
  cluster(
    'a learning rate above one',
    'services: { sleep: { parameters: { learningRate: 2 } } }',
    'spec.services.sleep.parameters.learningRate',
    /at most 0\.1/,
  ),
  cluster(
    'a negative L1 strength',
    'services: { pruner: { parameters: { l1Strength: -0.1 } } }',
    'spec.services.pruner.parameters.l1Strength',
    /at least 0\.00001/,
  ),
  cluster(
    'half a rank',
    'services: { koopman: { parameters: { dmdRank: 12.5 } } }',
    'spec.services.koopman.parameters.dmdRank',
    /type integer/,
  ),
  cluster(
    'a parameter of another service',
    'services: { vault: { parameters: { dmdRank: 50 } } }',
    'spec.services.vault.parameters',
    /unknown field/,
  ),
  cluster(
    'an environment variable in lower case',
    'services: { vault: { env: { log-level: debug } } }',
    'spec.services.vault.env',
    /upper case/,
  ),
  cluster(
    'an environment variable of the operator',
    'services: { vault: { env: { GRPC_PORT: "1" } } }',
    'spec.services.vault.env',
    /operator sets/,
  ),
  cluster(
    'an environment value that is a number',
    'services: { vault: { env: { A: 1 } } }',
    'spec.services.vault.env.A',
    /type string/,
  ),
  cluster(
    'a volume without a number',
    'services: { vault: { volume: { size: large } } }',
    'spec.services.vault.volume.size',
    /must match/,
  ),
  cluster(
    'memory in an unknown unit',
    'services: { koopman: { resources: { limits: { memory: 2GB } } } }',
    'spec.services.koopman.resources.limits.memory',
    /must match/,
  ),
  cluster(
    'an image with a space',
    'services: { vault: { image: "a b" } }',
    'spec.services.vault.image',
    /must match/,
  ),
  cluster(
    'an exposure without host',
    'services: { gateway: { exposure: { type: Ingress } } }',
    'spec.services.gateway.exposure.host',
    /host is needed/,
  ),
  cluster(
    'a limit of no requests',
    'services: { gateway: { rateLimit: { requestsPerSecond: 0 } } }',
    'spec.services.gateway.rateLimit.requestsPerSecond',
    /at least 1/,
  ),
  cluster('an unknown engine', 'storage: { engine: sqlite }', 'spec.storage.engine', /"lmdb", "postgres"/),
  cluster(
    'postgres without secret',
    'storage: { engine: postgres }',
    'spec.storage.postgresSecret',
    /postgresSecret is needed/,
  ),
  cluster(
    'an unknown deletion policy',
    'storage: { deletionPolicy: Keep }',
    'spec.storage.deletionPolicy',
    /"Retain", "Delete"/,
  ),
  cluster('redis without secret', 'bus: { driver: redis }', 'spec.bus.redisSecret', /redisSecret is needed/),
  cluster('an unknown bus', 'bus: { driver: kafka }', 'spec.bus.driver', /"embedded", "redis"/),
  cluster('an unknown routing key', 'routing: { key: user }', 'spec.routing.key', /"episode", "tenant"/),
  cluster(
    'half a percent',
    'rollout: { steps: [{ weight: 0.5 }, { weight: 100 }] }',
    'spec.rollout.steps[0].weight',
    /type integer/,
  ),
  cluster(
    'more than everything',
    'rollout: { steps: [{ weight: 101 }] }',
    'spec.rollout.steps[0].weight',
    /at most 100/,
  ),
  cluster(
    'steps that do not ascend',
    'rollout: { steps: [{ weight: 50 }, { weight: 50 }, { weight: 100 }] }',
    'spec.rollout.steps',
    /strictly ascending/,
  ),
  cluster(
    'steps that do not reach 100',
    'rollout: { steps: [{ weight: 1 }, { weight: 50 }] }',
    'spec.rollout.steps',
    /last weight must be 100/,
  ),
  cluster('no step', 'rollout: { steps: [] }', 'spec.rollout.steps', /at least 1/),
  cluster(
    'a hold in words',
    'rollout: { steps: [{ weight: 100, hold: two days }] }',
    'spec.rollout.steps[0].hold',
    /must match/,
  ),
  cluster(
    'negative samples',
    'rollout: { steps: [{ weight: 100, minSamples: -1 }] }',
    'spec.rollout.steps[0].minSamples',
    /at least 0/,
  ),
  cluster('an unknown onFail', 'rollout: { onFail: explode }', 'spec.rollout.onFail', /"pause", "rollback"/),
  cluster(
    'an unknown metric',
    'rollout: { analysis: { metrics: [{ name: happiness }] } }',
    'spec.rollout.analysis.metrics[0].name',
    /"errorRatio"/,
  ),
  cluster(
    'a metric twice',
    'rollout: { analysis: { metrics: [{ name: errorRatio }, { name: errorRatio }] } }',
    'spec.rollout.analysis.metrics[1]',
    /duplicate/,
  ),
  cluster(
    'a confidence of one',
    'rollout: { analysis: { confidence: 1 } }',
    'spec.rollout.analysis.confidence',
    /at most 0\.9999/,
  ),
  cluster(
    'an interval longer than the window',
    'rollout: { analysis: { interval: 20m, window: 10m } }',
    'spec.rollout.analysis.window',
    /not be shorter/,
  ),
  cluster(
    'a budget window shorter than the interval',
    'rollout: { analysis: { interval: 1m, failureBudget: { window: 30s } } }',
    'spec.rollout.analysis.failureBudget.window',
    /not be shorter/,
  ),
  cluster(
    'too many kept revisions',
    'rollout: { keepRevisions: 50 }',
    'spec.rollout.keepRevisions',
    /at most 10/,
  ),
  cluster(
    'a profile by a wrong name',
    'tuningProfileRef: { name: "Default Profile" }',
    'spec.tuningProfileRef.name',
    /must match/,
  ),
  cluster(
    'Prometheus without address',
    'monitoring: { source: prometheus }',
    'spec.monitoring.prometheusUrl',
    /prometheusUrl is needed/,
  ),
  cluster(
    'samples stale before they come',
    'monitoring: { interval: 1m, staleAfter: 30s }',
    'spec.monitoring.staleAfter',
    /not be shorter/,
  ),
  profile('an unknown mode', 'mode: Manual', 'spec.mode', /"Off", "Recommend"/),
  profile('an unknown scope', 'scope: Canary', 'spec.scope', /"Stable", "CanaryFirst"/),
  profile(
    'an unknown parameter',
    'parameters: { temperature: { min: 1 } }',
    'spec.parameters.temperature',
    /unknown field/,
  ),
  profile(
    'bounds the wrong way round',
    'parameters: { annealT0: { min: 4, max: 2 } }',
    'spec.parameters.annealT0.min',
    /below max/,
  ),
  profile(
    'a start outside the bounds',
    'parameters: { learningRate: { max: 0.02, start: 0.05 } }',
    'spec.parameters.learningRate.start',
    /between min and max/,
  ),
  profile(
    'a rank that is not whole',
    'parameters: { dmdRank: { pin: 50.5 } }',
    'spec.parameters.dmdRank.pin',
    /type integer/,
  ),
  profile(
    'a step limit of one',
    'parameters: { l1Strength: { maxStep: { ratio: 1 } } }',
    'spec.parameters.l1Strength.maxStep.ratio',
    /above 1/,
  ),
  profile(
    'an exit outside enter',
    rule('exit: 3').replace('exit: 1, ', ''),
    'spec.rules[0].exit',
    /inside enter/,
  ),
  profile('a rule without parameter', 'rules: [{ id: r }]', 'spec.rules[0].parameter', /must be given/),
  profile('a window without unit', rule('window: "7"'), 'spec.rules[0].window', /must match/),
  profile(
    'a factor below one',
    rule('').replace('value: 2', 'value: 0.5'),
    'spec.rules[0].action.value',
    /above 1/,
  ),
  profile('an unlimited rate', 'rateLimit: { changes: 0 }', 'spec.rateLimit.changes', /at least 1/),
  action('an unknown action', 'action: deploy, target: { name: m }', 'spec.action', /"promote", "abort"/),
  action('no target', 'action: promote', 'spec.target', /must be given/),
  action(
    'a promote of a profile',
    'action: promote, target: { kind: TuningProfile, name: p }',
    'spec.target.kind',
    /only approve and reject/,
  ),
  action(
    'a proposal that is promoted',
    'action: promote, target: { name: m }, proposal: p-1',
    'spec.proposal',
    /only with approve and reject/,
  ),
];
