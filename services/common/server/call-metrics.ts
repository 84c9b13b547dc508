import type { MethodDefinition } from '@grpc/grpc-js';
import { Counter, Histogram, type Registry } from 'prom-client';

/** Rate, errors and duration of every method, under the names that grpc-prometheus made standard. */
export interface CallMetrics {
  start(method: MethodDefinition<unknown, unknown>): { end(code: string): void };
}

/** Registers `grpc_server_started_total`, `grpc_server_handled_total` and `grpc_server_handling_seconds`. */
export function createCallMetrics(registry: Registry): CallMetrics {
  const labels = ['grpc_type', 'grpc_service', 'grpc_method'] as const;
  const started = new Counter({
    name: 'grpc_server_started_total',
    help: 'Calls started on the server.',
    labelNames: labels,
    registers: [registry],
  });
  const handled = new Counter({
    name: 'grpc_server_handled_total',
    help: 'Calls completed on the server, by status code.',
    labelNames: [...labels, 'grpc_code'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'grpc_server_handling_seconds',
    help: 'Duration of calls on the server, in seconds.',
    labelNames: labels,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  return {
    start(method) {
      const [, service = '', name = ''] = method.path.split('/');
      const values = { grpc_type: callType(method), grpc_service: service, grpc_method: name };
      started.inc(values);
      const stop = seconds.startTimer(values);
      return {
        end(code) {
          stop();
          handled.inc({ ...values, grpc_code: code });
        },
      };
    },
  };
}

function callType(method: MethodDefinition<unknown, unknown>): string {
  if (method.requestStream) return method.responseStream ? 'bidi_stream' : 'client_stream';
  return method.responseStream ? 'server_stream' : 'unary';
}
