/**
 * Closes a jest run the way scripts and people read it: every skipped test with its reason, then
 * `N passed, N failed, N skipped` as the last line. A file that fails to load counts as one failure.
 */
export default class SummaryReporter {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap((file) =>
      file.testResults.filter((test) => test.status === 'pending' || test.status === 'todo'),
    );
    for (const test of skipped) console.log(`skipped: ${test.fullName}`);
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skippedCount = results.numPendingTests + results.numTodoTests;
    if (process.env.CI === 'true' && skippedCount > 0) {
      console.error('CI=true must skip nothing; the tests above were skipped.');
      this.error = new Error('skipped tests in CI');
    }
    const counts = `${results.numPassedTests} passed, ${failed} failed, ${skippedCount} skipped`;
    // Jest prints its own summary after the reporters; the counts come after that.
    process.once('exit', () => console.log(counts));
  }

  getLastError() {
    return this.error;
  }
}
