import { readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescFile,
  type FileRegistry,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { status, type Server, type ServerDuplexStream, type ServiceDefinition } from '@grpc/grpc-js';
import { grpcStatus, ServiceError } from '../errors.js';
import type { Authenticator } from './authentication.js';
import {
  decodeReflectionRequest,
  encodeReflectionResponse,
  type ReflectionAnswer,
  type ReflectionRequest,
  type ReflectionResponse,
} from './reflection-wire.js';

/** What reflection needs to know of its server. */
export interface ReflectionDependencies {
  readonly authenticate: Authenticator;
  /** Full names of the services that the server offers. */
  readonly services: readonly string[];
}

type Call = ServerDuplexStream<ReflectionRequest, ReflectionResponse>;

/**
 * Serves `grpc.reflection.v1` and `v1alpha` from the descriptors of `buf build`, so that `buf curl` and `grpcurl` need no
 * proto files. Answers with a file and everything that it imports. Extensions are not offered: proto3 has none.
 * @see https://github.com/grpc/grpc-proto/blob/master/grpc/reflection/v1/reflection.proto
 */
export function addReflection(server: Server, { authenticate, services }: ReflectionDependencies): void {
  let registry: FileRegistry | undefined;
  const reflect = (call: Call) => {
    try {
      authenticate(call.metadata);
    } catch (error) {
      const { code, message } = ServiceError.from(error);
      call.emit('error', Object.assign(new Error(message), { code: grpcStatus(code), details: message }));
      return;
    }
    call.on('data', (request: ReflectionRequest) => {
      registry ??= readDescriptors();
      call.write({ request, answer: answer(registry, services, request) });
    });
    call.on('end', () => call.end());
  };
  for (const version of ['v1', 'v1alpha']) {
    server.addService(definition(version), { serverReflectionInfo: reflect });
  }
}

function definition(version: string): ServiceDefinition {
  return {
    serverReflectionInfo: {
      path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      requestStream: true,
      responseStream: true,
      requestSerialize: (request: ReflectionRequest) => Buffer.from(request.original),
      requestDeserialize: decodeReflectionRequest,
      responseSerialize: encodeReflectionResponse,
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  };
}

function answer(
  registry: FileRegistry,
  services: readonly string[],
  { query }: ReflectionRequest,
): ReflectionAnswer {
  switch (query.$case) {
    case 'listServices':
      return { $case: 'services', names: services };
    case 'fileByFilename':
      return files(registry.getFile(query.value), query.value);
    case 'fileContainingSymbol':
      return files(fileOf(registry, query.value), query.value);
    case 'unsupported':
      return {
        $case: 'error',
        code: status.UNIMPLEMENTED,
        message: 'only files, symbols and services are known',
      };
  }
}

function files(file: DescFile | undefined, wanted: string): ReflectionAnswer {
  if (file === undefined)
    return { $case: 'error', code: status.NOT_FOUND, message: `${wanted} is not known` };
  const closure = new Set([file]);
  // A set visits what is added while it is walked.
  for (const member of closure) for (const dependency of member.dependencies) closure.add(dependency);
  return {
    $case: 'files',
    files: Array.from(closure, ({ proto }) => toBinary(FileDescriptorProtoSchema, proto)),
  };
}

/** The file that defines a type, or the type that a method, field or value belongs to. */
function fileOf(registry: FileRegistry, symbol: string): DescFile | undefined {
  const parent = symbol.slice(0, Math.max(0, symbol.lastIndexOf('.')));
  return (registry.get(symbol) ?? registry.get(parent))?.file;
}

function readDescriptors(): FileRegistry {
  const image = readFileSync(join(packageRoot(import.meta.dirname), 'proto/gen/image.binpb'));
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
}

/** The nearest folder above that holds package.json: the same for sources and for what is built from them. */
function packageRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) return folder;
  return packageRoot(dirname(folder));
}
