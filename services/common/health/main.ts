import { healthTargets, unhealthiness } from './check.js';

/** The program behind `scripts/health-check.sh`: `OK name` a healthy service, one line for each other and exit code 1. */
async function main(): Promise<number> {
  const targets = healthTargets(process.argv.slice(2), process.env);
  const reasons = await Promise.all(targets.map(unhealthiness));
  targets.forEach(({ name, address }, k) => {
    const reason = reasons[k];
    if (reason === undefined) process.stdout.write(`OK ${name}\n`);
    else process.stderr.write(`${name} at ${address} is not healthy: ${reason}\n`);
  });
  return reasons.every((reason) => reason === undefined) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`health-check: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
