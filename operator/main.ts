import { z } from 'zod';
import { ConfigError, exitCodeConfig, loadConfig } from '../services/common/config/config.js';

const environment = z.object({
  /** Where clusters run: as pods, or as processes of this machine. */
  TORI_PLATFORM: z.enum(['local', 'kubernetes'], { error: 'expected local or kubernetes' }).default('local'),
});

/** The operator as a process. Each platform is loaded only where it is used. */
async function main(): Promise<void> {
  const { TORI_PLATFORM } = loadConfig(environment, process.env);
  if (TORI_PLATFORM === 'kubernetes') {
    const { runKubernetes } = await import('./platform/kubernetes/run.js');
    await runKubernetes(process.env);
    return;
  }
  const { runLocal } = await import('./platform/local/run.js');
  await runLocal(process.env);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const wrong = error instanceof ConfigError;
    process.stderr.write(
      `operator: ${wrong ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(wrong ? exitCodeConfig : 1);
  },
);
