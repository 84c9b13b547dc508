import { describe, expect, test } from '@jest/globals';
import { everyExample, variants } from '../../../../test/kubernetes/rendered.js';
import { labels, shardsName } from './names.js';
import { redisPort } from './redis.js';

type Labels = Readonly<Record<string, string>>;
type Port = string | number;

interface Selector {
  readonly matchLabels?: Labels;
}
interface Workload {
  readonly serviceName?: string;
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
}
interface Pod {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
    readonly livenessProbe?: Probe;
    readonly readinessProbe?: Probe;
    readonly startupProbe?: Probe;
    readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string } }[];
  }[];
  readonly volumes?: readonly { readonly configMap?: { readonly name: string } }[];
}
interface Probe {
  readonly grpc?: { readonly port: number };
  readonly httpGet?: { readonly port: Port };
  readonly tcpSocket?: { readonly port: Port };
}
interface Service {
  readonly selector: Labels;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: Port }[];
}
interface Policy {
  readonly podSelector: Selector;
  readonly ingress: readonly {
    readonly from?: readonly { readonly podSelector?: Selector; readonly namespaceSelector?: object }[];
    readonly ports: readonly { readonly port: Port }[];
  }[];
}
interface Route {
  readonly rules: readonly {
    readonly backendRefs: readonly { readonly name: string; readonly port: number }[];
  }[];
}
interface Ingress {
  readonly rules: readonly {
    readonly http: {
      readonly paths: readonly {
        readonly backend: {
          readonly service: { readonly name: string; readonly port: { readonly name: string } };
        };
      }[];
    };
  }[];
}
interface Monitor {
  readonly selector: Selector;
  readonly endpoints: readonly { readonly port: string }[];
}

interface Specs {
  readonly StatefulSet: Workload;
  readonly Deployment: Workload;
  readonly Service: Service;
  readonly NetworkPolicy: Policy;
  readonly PodDisruptionBudget: { readonly selector: Selector };
  readonly HorizontalPodAutoscaler: { readonly scaleTargetRef: { readonly name: string } };
  readonly HTTPRoute: Route;
  readonly GRPCRoute: Route;
  readonly Ingress: Ingress;
  readonly ServiceMonitor: Monitor;
  readonly ServiceAccount: undefined;
  readonly ConfigMap: undefined;
}

describe.each([...everyExample, ...variants])(
  'what is rendered for $name refers to what is there:',
  ({ objects }) => {
    const all = objects();
    const of = <Kind extends keyof Specs>(...kinds: Kind[]) =>
      all
        .filter(({ kind }) => kinds.some((one) => one === kind))
        .map((object) => ({ ...object, spec: object['spec'] as Specs[Kind] }));
    const names = (kind: keyof Specs) => of(kind).map(({ metadata }) => metadata.name);
    const workloads = of('StatefulSet', 'Deployment');
    const services = of('Service');
    const pods = ({ matchLabels = {} }: Selector) =>
      workloads.map(({ spec }) => spec.template).filter(({ metadata }) => has(metadata.labels, matchLabels));
    const portsOf = (selector: Selector) =>
      pods(selector).map(({ spec }) =>
        spec.containers.flatMap(({ ports = [] }) => ports.flatMap((one) => [one.name, one.containerPort])),
      );
    const expectPorts = (selector: Selector, port: Port) => {
      const found = portsOf(selector);
      expect(found.length).toBeGreaterThan(0);
      for (const ports of found) expect(ports).toContain(port);
    };
    const servicePorts = (name: string) => {
      const { ports = [] } = services.find(({ metadata }) => metadata.name === name)?.spec ?? {};
      return ports.flatMap((one) => [one.name, one.port]);
    };

    test('pods to accounts, Services and maps', () => {
      for (const { metadata, spec } of workloads) {
        const { serviceAccountName, containers, volumes = [] } = spec.template.spec;
        expect(names('ServiceAccount')).toContain(serviceAccountName);
        if (spec.serviceName !== undefined) expect(names('Service')).toContain(spec.serviceName);
        const maps = [
          ...containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef?.name)),
          ...volumes.map(({ configMap }) => configMap?.name),
        ].filter((name) => name !== undefined);
        // The shard table is written as the rollout goes on, not with the rest.
        const known = [...names('ConfigMap'), shardsName(metadata.labels[labels.cluster] ?? '')];
        for (const map of maps) expect(known).toContain(map);
      }
    });

    test('probes to ports of their container', () => {
      const containers = workloads.flatMap(({ spec }) => spec.template.spec.containers);
      for (const { ports = [], livenessProbe, readinessProbe, startupProbe } of containers) {
        const open = ports.flatMap((one) => [one.name, one.containerPort]);
        const probes = [livenessProbe, readinessProbe, startupProbe].filter((one) => one !== undefined);
        const asked = probes.flatMap(({ grpc, httpGet, tcpSocket }) => [grpc, httpGet, tcpSocket]);
        for (const one of asked) if (one !== undefined) expect(open).toContain(one.port);
      }
    });

    test('Services to pods and their ports', () => {
      for (const { spec } of services)
        for (const { targetPort } of spec.ports) expectPorts({ matchLabels: spec.selector }, targetPort);
    });

    test('policies and budgets to pods', () => {
      for (const { spec } of of('PodDisruptionBudget')) expect(pods(spec.selector).length).toBeGreaterThan(0);
      const rules = of('NetworkPolicy').flatMap(({ spec: { podSelector, ingress } }) =>
        ingress.map((rule) => ({ podSelector, ...rule })),
      );
      for (const { podSelector, from = [], ports } of rules) {
        const open = [...portsOf(podSelector).flat(), redisPort];
        for (const { port } of ports) expect(open).toContain(port);
        const callers = from.filter(({ namespaceSelector }) => namespaceSelector === undefined);
        for (const caller of callers) expect(pods(caller.podSelector ?? {}).length).toBeGreaterThan(0);
      }
    });

    test('routes, monitors and autoscalers to what they are for', () => {
      const routed = [
        ...of('HTTPRoute', 'GRPCRoute').flatMap(({ spec }) => spec.rules.flatMap((rule) => rule.backendRefs)),
        ...of('Ingress').flatMap(({ spec }) =>
          spec.rules.flatMap(({ http }) =>
            http.paths.map(({ backend: { service } }) => ({ name: service.name, port: service.port.name })),
          ),
        ),
      ];
      for (const { name, port } of routed) expect(servicePorts(name)).toContain(port);
      for (const { spec } of of('ServiceMonitor')) {
        const found = services.filter(({ metadata }) =>
          has(metadata.labels, spec.selector.matchLabels ?? {}),
        );
        const open = found.flatMap(({ metadata }) => servicePorts(metadata.name));
        for (const { port } of spec.endpoints) expect(open).toContain(port);
      }
      for (const { spec } of of('HorizontalPodAutoscaler'))
        expect(names('Deployment')).toContain(spec.scaleTargetRef.name);
    });
  },
);

function has(all: Labels, some: Labels): boolean {
  return Object.entries(some).every(([key, value]) => all[key] === value);
}
