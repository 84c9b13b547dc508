import { describe, test } from '@jest/globals';

/** With CI=true nothing is skipped: what is missing shows as the failure of what needs it. */
function reasonToSkip(missing: string | undefined): string | undefined {
  return process.env['CI'] === 'true' ? undefined : missing;
}

/**
 * `describe` for tests that need something of the machine.
 * @param missing why they cannot run here; their title says so when they are skipped
 */
export function describeWith(missing: string | undefined): (title: string, body: () => void) => void {
  const reason = reasonToSkip(missing);
  if (reason === undefined) return (title, body) => describe(title, body);
  // A person's machine may lack Go, root or Redis; CI never comes here, and the title gives the reason.
  return (title, body) => describe.skip(`${title} (skipped: ${reason})`, body);
}

/** `test` for one test that needs something of the machine; see {@link describeWith}. */
export function testWith(
  missing: string | undefined,
): (title: string, body: () => void | Promise<void>, timeoutMs?: number) => void {
  const reason = reasonToSkip(missing);
  if (reason === undefined) return (title, body, timeoutMs) => test(title, body, timeoutMs);
  // As in describeWith: for a person's machine only, with the reason in the title.
  return (title, body, timeoutMs) => test.skip(`${title} (skipped: ${reason})`, body, timeoutMs);
}
