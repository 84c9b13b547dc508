import { readFileSync } from 'node:fs';

/** What a look at a process's metrics port found. */
export type Probe =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not-ready' }
  /** Nobody listens, or it did not answer in time. */
  | { readonly kind: 'silent' }
  /** Another program owns the port. */
  | { readonly kind: 'stranger' };

/**
 * Asks `/readyz` and checks in `/metrics` that the answer comes from the process with this pid, so that a pid or port
 * that the system gave to somebody else is never taken for ours.
 */
export async function probe(metricsPort: number, pid: number, timeoutMs = 2_000): Promise<Probe> {
  const base = `http://127.0.0.1:${metricsPort}`;
  try {
    const metrics = await fetch(`${base}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
    const text = await metrics.text();
    const info = text.split('\n').find((line) => line.startsWith('tori_process_info{'));
    if (info?.includes(`pid="${pid}"`) !== true) return { kind: 'stranger' };
    const ready = await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    await ready.body?.cancel();
    return { kind: ready.ok ? 'ready' : 'not-ready' };
  } catch {
    return { kind: 'silent' };
  }
}

/** True while a process with this pid exists and has not become a zombie that its parent never collected. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !isZombie(pid);
}

/** An orphan of a killed operator may stay a zombie where process 1 collects nothing, as in many containers. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'Z';
  } catch {
    // No procfs here, or it has just ended: the signal's answer stands.
    return false;
  }
}
