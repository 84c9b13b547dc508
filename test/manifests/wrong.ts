import { action, head, profile, type WrongManifest } from './wrong-manifest.js';
import { wrongClusters } from './wrong-clusters.js';

const rule = (fields: string) =>
  `rules: [{ id: r, parameter: annealT0, metric: m, when: above, enter: 2, exit: 1, action: { type: multiply, value: 2 }, ${fields} }]`;

const wrongOthers: readonly WrongManifest[] = [
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
  {
    name: 'a cluster whose name leaves no room for those of its parts',
    yaml: `${head('MemoryCluster', 'x'.repeat(37))}spec: { version: "1" }\n`,
    path: 'metadata.name',
    reason: /at most 36/,
  },
  {
    name: 'a cluster after which no Service can be named',
    yaml: `${head('MemoryCluster', '1st')}spec: { version: "1" }\n`,
    path: 'metadata.name',
    reason: /must match/,
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

/** Wrong manifests over every section of the kinds, and over every rule between fields. */
export const wrongManifests: readonly WrongManifest[] = [...wrongOthers, ...wrongClusters];
