import { z } from 'zod';
import { ServiceError, type ErrorCode } from '../../../services/common/errors.js';

/** A series as the query API answers it: labels with the metric's name in `__name__`, pairs of seconds and value. */
export interface AnsweredSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** What came over the wire. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const envelopeSchema = z.object({
  status: z.enum(['success', 'error']),
  errorType: z.string().optional(),
  error: z.string().optional(),
  warnings: z.array(z.string()).nullish(),
  // VictoriaMetrics says so here when a storage node did not answer.
  isPartial: z.boolean().optional(),
  data: z.unknown().optional(),
});

const matrixSchema = z.object({
  resultType: z.literal('matrix'),
  result: z.array(
    z.object({
      metric: z.record(z.string(), z.string()),
      // Absent for native histograms, which nothing here reads.
      values: z.array(z.tuple([z.number(), z.string()])).default([]),
    }),
  ),
});

/**
 * The series of an answer. Half an answer is refused: a count that misses a replica would look like a change.
 * @throws ServiceError UNAUTHENTICATED for 401 and 403, RESOURCE_EXHAUSTED for 429, INVALID_ARGUMENT when the server
 * does not take the query, UNAVAILABLE for 5xx and partial answers, FAILED_PRECONDITION when this is no query API
 */
export function readMatrix({ status, body }: HttpAnswer): readonly AnsweredSeries[] {
  const envelope = readEnvelope(body);
  if (status !== 200 || envelope?.status === 'error') throw refusal(status, envelope);
  if (envelope === undefined) throw noQueryApi(`${status} and a body that is not its JSON`);
  const warnings = envelope.warnings ?? [];
  if (warnings.length > 0 || envelope.isPartial === true) {
    throw new ServiceError('UNAVAILABLE', `answered in part: ${warnings[0] ?? 'isPartial is true'}`);
  }
  const matrix = matrixSchema.safeParse(envelope.data);
  if (!matrix.success) throw noQueryApi('something else than a matrix');
  return matrix.data.result;
}

type Envelope = z.infer<typeof envelopeSchema>;

function readEnvelope(body: string): Envelope | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function refusal(status: number, envelope: Envelope | undefined): ServiceError {
  const said = envelope?.error === undefined ? '' : `: ${envelope.errorType ?? 'error'}: ${envelope.error}`;
  const hint = hints[status] ?? (status >= 300 && status < 400 ? ' (a redirect, as to a login page)' : '');
  return new ServiceError(codeOf(status), `answered ${status}${hint}${said.slice(0, 300)}`);
}

const hints: Readonly<Record<number, string>> = {
  401: ' (the token of tokenSecret is missing or not accepted)',
  403: ' (the token of tokenSecret may not query)',
  404: ' (the url has no /api/v1/query below it)',
};

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'UNAUTHENTICATED';
  if (status === 429) return 'RESOURCE_EXHAUSTED';
  if (status === 400 || status === 422) return 'INVALID_ARGUMENT';
  return status >= 500 || status === 200 ? 'UNAVAILABLE' : 'FAILED_PRECONDITION';
}

function noQueryApi(what: string): ServiceError {
  return new ServiceError('FAILED_PRECONDITION', `answered ${what}; expected the query API of a Prometheus`);
}
