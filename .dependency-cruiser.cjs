/** The layer rules of docs/architecture.md, checked on every run of `npm run lint`. */
const service = '^services/(?!common/)([^/]+)/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-core-does-no-io',
      comment: 'operator/rollout, tuning, cluster, samples and api decide from their arguments alone.',
      severity: 'error',
      from: {
        path: '^operator/(rollout|tuning|cluster|api|samples)/',
        pathNot: '(\\.test\\.ts|write-crds\\.ts)$',
      },
      to: {
        path: '^(operator/(platform|metrics)/|services/|cli/|node:(fs|net|http|child_process)|fs$|net$|http$|child_process$)',
      },
    },
    {
      name: 'runtime-knows-no-kinds',
      comment:
        'operator/runtime is a controller runtime for anybody: nothing of ours is in it but the type of the logger.',
      severity: 'error',
      from: { path: '^operator/runtime/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(operator/(?!runtime/)|services/|cli/|lib/|proto/)',
        pathNot: '^services/common/logger\\.ts$',
      },
    },
    {
      name: 'runtime-imports-only-the-type-of-the-logger',
      severity: 'error',
      from: { path: '^operator/runtime/' },
      to: { path: '^services/common/logger\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'rendering-is-pure',
      comment: 'What a cluster is rendered to follows from the arguments alone.',
      severity: 'error',
      from: { path: '^operator/platform/kubernetes/render/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^(operator/(metrics|runtime|tracks)/|services/|cli/|node:(fs|net|http|child_process)|fs$|net$|http$|child_process$)',
      },
    },
    {
      name: 'services-do-not-know-each-other',
      comment: 'Services meet over gRPC; code they share lives in services/common.',
      severity: 'error',
      from: { path: service },
      to: { path: service, pathNot: '^services/$1/' },
    },
    {
      name: 'services-do-not-know-the-operator',
      severity: 'error',
      from: { path: '^services/' },
      to: { path: '^(operator|cli)/' },
    },
    {
      name: 'domain-has-no-grpc',
      comment: 'domain/ holds the memory mathematics: no gRPC, no disk, no generated types.',
      severity: 'error',
      from: { path: '^services/[^/]+/domain/', pathNot: '\\.test\\.ts$' },
      to: { path: '(@grpc/|^proto/gen/|node_modules/lmdb|^services/common/(server|clients|storage|bus)/)' },
    },
    {
      name: 'products-do-not-import-tests',
      severity: 'error',
      from: { path: '^(operator|services|cli|lib)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-dev-dependency-in-products',
      severity: 'error',
      from: { path: '^(operator|services|cli|lib)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
