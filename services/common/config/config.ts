import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Exit code of a process whose configuration is wrong (EX_CONFIG of sysexits.h): restarting it cannot help. */
export const exitCodeConfig = 78;

/** A configuration that cannot work: one line for each variable, naming it, its value and what is accepted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A TCP port variable; 0 asks the system for a free one. */
export const port = z.coerce.number().int().min(0).max(65_535);

/** A duration variable in whole milliseconds. */
export const milliseconds = z.coerce.number().int().min(0).max(2_147_483_647);

/** A variable that lists things, comma-separated; none when it is empty. */
export const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/**
 * Reads a configuration from environment variables.
 * @param schema one entry a variable; a default makes it optional
 * @throws ConfigError naming every variable that is missing or out of range
 */
export function loadConfig<T extends z.ZodObject>(schema: T, env: NodeJS.ProcessEnv): z.output<T> {
  const present = Object.fromEntries(
    Object.keys(schema.shape)
      .filter((name) => env[name] !== undefined && env[name] !== '')
      .map((name) => [name, env[name]]),
  );
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues
      .map((issue) => {
        const name = String(issue.path[0]);
        const value = env[name] === undefined ? 'is not set' : `= ${JSON.stringify(env[name])}`;
        return `${name} ${value}: ${issue.message}`;
      })
      .join('\n'),
    { cause: result.error },
  );
}

/**
 * Reads a secret from a file, so that it never stands in argv or the environment.
 * @throws ConfigError naming the variable when the file cannot be read or is empty
 */
export function readSecretFile(variable: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`${variable} = ${JSON.stringify(path)}: the file cannot be read`, { cause });
  }
  if (text === '') throw new ConfigError(`${variable} = ${JSON.stringify(path)}: the file is empty`);
  return text;
}
