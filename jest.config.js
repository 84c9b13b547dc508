/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  injectGlobals: false,
  roots: [
    '<rootDir>/operator',
    '<rootDir>/services',
    '<rootDir>/cli',
    '<rootDir>/lib',
    '<rootDir>/bench',
    '<rootDir>/test',
  ],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  coverageProvider: 'v8',
  // Suites that share a given cluster run one after the other.
  maxWorkers: process.env.TORI_TEST_KUBECONFIG ? 1 : 2,
  workerIdleMemoryLimit: '512MB',
  testTimeout: 180_000,
  reporters: ['default', '<rootDir>/test/harness/summary-reporter.js'],
};
