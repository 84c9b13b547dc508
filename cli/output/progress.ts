import { Presets, SingleBar } from 'cli-progress';
import type { Terminal } from '../terminal.js';

/** A bar on stderr while work goes on; it shows nothing where nobody looks. */
export interface ProgressBar {
  update(value: number, text?: string): void;
  stop(): void;
}

/** @param total what 100 % is; `unit` divides the numbers that are shown */
export function progressBar({ stderr }: Terminal, label: string, total: number): ProgressBar {
  if (stderr.isTTY !== true || total <= 0) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: `${label} {bar} {percentage} %  {text}`,
      stream: stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, { text: '' });
  return {
    update: (value, text = '') => bar.update(Math.min(value, total), { text }),
    stop: () => bar.stop(),
  };
}

/** A line on stderr that is written over, for work whose length nobody knows; nothing where nobody looks. */
export interface LiveLine {
  readonly show: (text: string) => void;
  readonly clear: () => void;
}

export function liveLine({ stderr }: Terminal): LiveLine {
  const write = (text: string): void => {
    if (stderr.isTTY === true) stderr.write(`\r\u001B[K${text}`);
  };
  return { show: write, clear: () => write('') };
}
