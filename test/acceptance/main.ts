/**
 * The acceptance sections of the project's steps as programs: `npm run acceptance -- STEP [SECTION…]`.
 * Prints each figure and ends with `N passed, N failed, N skipped`.
 */
import { Report } from './report.js';
import { step1 } from './step1/sections.js';
import { step2 } from './step2/sections.js';

const steps: Record<string, Record<string, (report: Report) => Promise<void>>> = {
  '1': step1,
  '2': step2,
};

const [step = '', ...wanted] = process.argv.slice(2);
const sections = steps[step];
const unknown = sections === undefined ? [] : wanted.filter((name) => sections[name] === undefined);
if (sections === undefined || unknown.length > 0) {
  console.error(`usage: npm run acceptance -- STEP [SECTION…]`);
  for (const [name, of] of Object.entries(steps))
    console.error(`  step ${name}: ${Object.keys(of).join(', ')}`);
  process.exit(2);
}
const report = new Report();
for (const name of wanted.length > 0 ? wanted : Object.keys(sections)) {
  report.section(`${step}.${name}`);
  try {
    await sections[name]!(report);
  } catch (error) {
    report.check(
      `${name} ran to its end`,
      false,
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }
}
process.exit(report.close());
