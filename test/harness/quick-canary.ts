/** The parts of a MemoryCluster's spec by which a canary takes seconds. */
export const quickCanary = {
  monitoring: { interval: '1s', staleAfter: '10s' },
  rollout: {
    steps: [
      { weight: 50, hold: '1s', minSleeps: 0 },
      { weight: 100, hold: '1s', minSleeps: 0 },
    ],
    analysis: {
      interval: '1s',
      window: '10s',
      metrics: [{ name: 'errorRatio', onNoData: 'pass', tolerance: 0.5 }],
      failureBudget: { window: '5s' },
    },
  },
};
