import { status } from '@grpc/grpc-js';

/** Codes that a service answers with; the names are those of gRPC. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'
  | 'CANCELLED'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL';

/** The one error class of the services: mapped to a gRPC status once, in the server's adapter. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Normalises anything thrown: a ServiceError stays, a gRPC error keeps its code, the rest is INTERNAL. */
  static from(thrown: unknown): ServiceError {
    if (thrown instanceof ServiceError) return thrown;
    if (isGrpcError(thrown)) return new ServiceError(codeOf(thrown.code), thrown.details, { cause: thrown });
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ServiceError('INTERNAL', message, { cause: thrown });
  }
}

/**
 * An INVALID_ARGUMENT error in the one form that users see: field, value, what would be accepted.
 * Long values are cut, so that an error never repeats a megabyte of input.
 */
export function invalidArgument(field: string, value: unknown, accepted: string): ServiceError {
  return new ServiceError(
    'INVALID_ARGUMENT',
    `${field}: ${quote(value)} is not accepted; expected ${accepted}`,
  );
}

/** The value as JSON, at most 80 characters. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** The gRPC status number of a code. */
export function grpcStatus(code: ErrorCode): status {
  return status[code];
}

function codeOf(code: status): ErrorCode {
  const name: string = status[code];
  return isErrorCode(name) ? name : 'INTERNAL';
}

const errorCodes: readonly string[] = [
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'ABORTED',
  'RESOURCE_EXHAUSTED',
  'UNAVAILABLE',
  'UNAUTHENTICATED',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
] satisfies ErrorCode[];

function isErrorCode(name: string): name is ErrorCode {
  return errorCodes.includes(name);
}

function isGrpcError(thrown: unknown): thrown is { code: status; details: string } {
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown
  );
}
