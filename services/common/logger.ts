import { pino, type Logger } from 'pino';

export type { Logger };

/** Levels that LOG_LEVEL accepts. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/** The one logger: JSON lines on stdout, with the process's name on each. Keys that hold secrets are never printed. */
export function createLogger(name: string, level: (typeof logLevels)[number]): Logger {
  return pino({
    name,
    level,
    redact: {
      paths: ['token', 'apiKey', 'authorization', '*.token', '*.apiKey', '*.authorization'],
      remove: true,
    },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
