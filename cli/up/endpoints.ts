import { serviceNames, type Ports } from '../../operator/platform/local/ports.js';
import type { Home } from '../../operator/platform/local/home.js';

/** Everything a program needs to use a running cluster: the line that `tori up --headless` prints. */
export interface Endpoints {
  readonly ready: true;
  readonly cluster: string;
  readonly mcp: string;
  readonly apiKeyFile: string;
  readonly home: string;
  readonly services: Readonly<Record<string, { readonly grpc: string; readonly metrics: string }>>;
}

export function endpointsOf(cluster: string, home: Home, ports: Ports): Endpoints {
  const metrics = (port: number) => `http://127.0.0.1:${port}/metrics`;
  const services = Object.fromEntries(
    serviceNames.map((name) => {
      const { grpc, metrics: port } = ports.service(name, 'stable');
      return [name, { grpc: `127.0.0.1:${grpc}`, metrics: metrics(port) }];
    }),
  );
  return {
    ready: true,
    cluster,
    mcp: `http://127.0.0.1:${ports.gateway}/mcp`,
    apiKeyFile: home.apiKeyFile,
    home: home.root,
    services,
  };
}

/** How to use it from here: the endpoint, a curl line and an MCP host configuration ready to paste. */
export function howToUse(endpoints: Endpoints, ports: Ports): string {
  const request = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'memory.recall', arguments: { text: 'linux kernel', k: 3 } },
  });
  const host = {
    mcpServers: {
      'tori-memory': {
        type: 'http',
        url: endpoints.mcp,
        headers: { Authorization: `Bearer \${TORI_API_KEY}` },
      },
    },
  };
  const pages = [
    ...Object.entries(endpoints.services).map(([name, { metrics }]) => [name, metrics] as const),
    ['gateway', `http://127.0.0.1:${ports.gatewayMetrics}/metrics`] as const,
    ['operator', `http://127.0.0.1:${ports.operatorMetrics}/metrics`] as const,
  ];
  return `
  MCP endpoint   ${endpoints.mcp}
  API key        ${endpoints.apiKeyFile}
  metrics        ${pages.map(([name, url]) => `${url.padEnd(34)} ${name}`).join('\n                 ')}
  data, logs     ${endpoints.home}/data, ${endpoints.home}/logs
  resources      ${endpoints.home}/resources (edit a file, or: npx tori apply -f FILE)

  export TORI_API_KEY=$(cat ${endpoints.apiKeyFile})
  curl -s ${endpoints.mcp} -H "Authorization: Bearer $TORI_API_KEY" -H 'Content-Type: application/json' \\
    -H 'Accept: application/json, text/event-stream' -d '${request}'

  ${JSON.stringify(host)}
`;
}
