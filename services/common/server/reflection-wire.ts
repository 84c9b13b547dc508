import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// The part of grpc/reflection/v1/reflection.proto that a server of proto3 files needs. v1alpha has the same wire form.

/** What a client asks. */
export type ReflectionQuery =
  | { readonly $case: 'fileByFilename'; readonly value: string }
  | { readonly $case: 'fileContainingSymbol'; readonly value: string }
  | { readonly $case: 'listServices' }
  | { readonly $case: 'unsupported' };

/** A ServerReflectionRequest. */
export interface ReflectionRequest {
  readonly host: string;
  readonly query: ReflectionQuery;
  /** Its bytes, which the response repeats. */
  readonly original: Uint8Array;
}

/** What the server answers. */
export type ReflectionAnswer =
  | { readonly $case: 'files'; readonly files: readonly Uint8Array[] }
  | { readonly $case: 'services'; readonly names: readonly string[] }
  | { readonly $case: 'error'; readonly code: number; readonly message: string };

/** A ServerReflectionResponse. */
export interface ReflectionResponse {
  readonly request: ReflectionRequest;
  readonly answer: ReflectionAnswer;
}

/** Reads a ServerReflectionRequest. */
export function decodeReflectionRequest(bytes: Uint8Array): ReflectionRequest {
  const reader = new BinaryReader(bytes);
  let host = '';
  let query: ReflectionQuery = { $case: 'unsupported' };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType);
      continue;
    }
    const value = reader.bytes();
    if (field === 1) host = Buffer.from(value).toString();
    else query = queryOf(field, value) ?? query;
  }
  return { host, query, original: bytes };
}

function queryOf(field: number, value: Uint8Array): ReflectionQuery | undefined {
  const text = Buffer.from(value).toString();
  if (field === 3) return { $case: 'fileByFilename', value: text };
  if (field === 4) return { $case: 'fileContainingSymbol', value: text };
  return field === 7 ? { $case: 'listServices' } : undefined;
}

/** Writes a ServerReflectionResponse. */
export function encodeReflectionResponse({ request, answer }: ReflectionResponse): Buffer {
  const writer = new BinaryWriter();
  if (request.host !== '') lengthDelimited(writer, 1).string(request.host);
  lengthDelimited(writer, 2).bytes(request.original);
  writeAnswer(writer, answer);
  return Buffer.from(writer.finish());
}

function writeAnswer(writer: BinaryWriter, answer: ReflectionAnswer): void {
  if (answer.$case === 'files') {
    lengthDelimited(writer, 4).fork();
    for (const file of answer.files) lengthDelimited(writer, 1).bytes(file);
  } else if (answer.$case === 'services') {
    lengthDelimited(writer, 6).fork();
    for (const name of answer.names) {
      lengthDelimited(lengthDelimited(writer, 1).fork(), 1).string(name).join();
    }
  } else {
    lengthDelimited(writer, 7).fork();
    writer.tag(1, WireType.Varint).int32(answer.code);
    lengthDelimited(writer, 2).string(answer.message);
  }
  writer.join();
}

function lengthDelimited(writer: BinaryWriter, field: number): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited);
}
