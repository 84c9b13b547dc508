import { SdkError, SdkErrorCode, SdkHttpError } from '@modelcontextprotocol/client';

/** How long a call that is safe to repeat goes on trying, in milliseconds. */
const patienceMs = 15_000;
const firstDelayMs = 100;
const longestDelayMs = 2_000;
/** HTTP statuses of a server that is not there now. */
const transientStatuses: readonly number[] = [429, 502, 503, 504];

/**
 * Repeats an operation that is safe to repeat while the gateway cannot be reached, with growing delays, for 15 seconds.
 * @throws the last failure; the signal's reason when it is aborted
 */
export async function whileUnreachable<T>(operation: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (let delay = firstDelayMs; ; delay = Math.min(2 * delay, longestDelayMs)) {
    try {
      return await operation();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isUnreachable(error) || Date.now() + delay > deadline) throw error;
    }
    await pause(delay, signal);
  }
}

/** True for failures of the connection, as opposed to answers of the gateway. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof SdkHttpError) return transientStatuses.includes(error.status);
  if (error instanceof SdkError) return isConnectionError(error);
  // fetch reports a failed connection as a TypeError, which in an embedded context may be of another realm: by name then.
  return (
    isNamedError(error) && error.name === 'TypeError' && /fetch|network|load failed/i.test(error.message)
  );
}

function isNamedError(error: unknown): error is { readonly name: unknown; readonly message: string } {
  return typeof error === 'object' && error !== null && 'name' in error && 'message' in error;
}

function isConnectionError(error: SdkError): boolean {
  return (
    error.code === SdkErrorCode.ConnectionClosed ||
    error.code === SdkErrorCode.SendFailed ||
    (error.cause !== undefined && isUnreachable(error.cause))
  );
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abandon = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abandon);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', abandon, { once: true });
  });
}
