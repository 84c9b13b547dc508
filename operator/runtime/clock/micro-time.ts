/**
 * A moment as Kubernetes' MicroTime: RFC 3339 with exactly six digits after the second.
 * @param ms milliseconds since the epoch
 */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
