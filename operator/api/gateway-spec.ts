import { labelPattern, nameText, secretKey, textMap } from './resource.js';
import { integer, object, oneOf, optional, string, withDefault } from './schema.js';
import { replicas, serviceFields, workload } from './workload-spec.js';

const hostName = (description: string) =>
  string({ description, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 });

const exposure = withDefault(
  object(
    {
      type: withDefault(
        oneOf(['Service', 'Ingress', 'Route'], {
          description: 'The Service alone, an Ingress, or an HTTPRoute of the Gateway API.',
        }),
        'Service',
      ),
      host: optional(hostName('Host name of the Ingress or HTTPRoute.')),
      className: optional(
        string({ description: 'Class of the Ingress; that of the Kubernetes cluster when absent.' }),
      ),
      tlsSecret: optional(nameText('Secret with the certificate of the Ingress.')),
      gateway: optional(
        object(
          {
            name: nameText('Name of the Gateway.'),
            namespace: optional(
              string({
                description: 'Namespace of the Gateway; that of the cluster when absent.',
                pattern: labelPattern,
                maxLength: 63,
              }),
            ),
            sectionName: optional(string({ description: 'Listener of the Gateway; all when absent.' })),
          },
          { description: 'The Gateway that the routes attach to.' },
        ),
      ),
      grpcHost: optional(
        hostName(
          'Host name of a GRPCRoute to the four services of the stable track. Callers need the internal token.',
        ),
      ),
      annotations: withDefault(textMap('Annotations added to the Ingress or the routes.'), {}),
    },
    {
      description: 'How clients outside the cluster reach the gateway.',
      rules: [
        {
          rule: "self.type == 'Service' || has(self.host)",
          message: 'host is needed when type is Ingress or Route',
          fieldPath: '.host',
        },
        {
          rule: "(self.type == 'Route') == has(self.gateway)",
          message: 'gateway is needed when type is Route, and goes only with it',
          fieldPath: '.gateway',
        },
        {
          rule: "!has(self.grpcHost) || self.type == 'Route'",
          message: 'grpcHost goes only with type Route',
          fieldPath: '.grpcHost',
        },
        {
          rule: "!has(self.tlsSecret) || self.type == 'Ingress'",
          message: 'tlsSecret goes only with type Ingress; a Gateway has its certificates itself',
          fieldPath: '.tlsSecret',
        },
        {
          rule: "!has(self.className) || self.type == 'Ingress'",
          message: 'className goes only with type Ingress',
          fieldPath: '.className',
        },
      ],
    },
  ),
  {},
);

const service = withDefault(
  object(
    {
      type: withDefault(
        oneOf(['ClusterIP', 'NodePort', 'LoadBalancer'], { description: 'Type of the Service.' }),
        'ClusterIP',
      ),
      ...serviceFields,
    },
    { description: 'The Service in front of the gateway on Kubernetes.' },
  ),
  {},
);

const autoscaling = object(
  {
    minReplicas: withDefault(
      integer({ description: 'Least number of gateways.', minimum: 1, maximum: 64 }),
      2,
    ),
    maxReplicas: integer({ description: 'Largest number of gateways.', minimum: 1, maximum: 64 }),
    targetCPUUtilization: withDefault(
      integer({
        description: 'Wanted mean CPU use, in percent of what the gateways request.',
        minimum: 1,
        maximum: 1000,
      }),
      80,
    ),
  },
  {
    description: 'Scales the gateway by its CPU use, in place of `replicas`.',
    rules: [
      {
        rule: 'self.minReplicas <= self.maxReplicas',
        message: 'minReplicas must not be above maxReplicas',
        fieldPath: '.minReplicas',
      },
    ],
  },
);

/** Section of the MCP gateway. */
export const gateway = object(
  {
    replicas,
    ...workload,
    apiKeySecret: optional(secretKey('API key that clients carry; the operator makes one when absent.')),
    rateLimit: optional(
      object(
        {
          requestsPerSecond: integer({
            description: 'Requests a second that one client may keep up.',
            minimum: 1,
            maximum: 1_000_000,
          }),
          burst: withDefault(
            integer({
              description: 'Requests that it may send at once after a rest.',
              minimum: 1,
              maximum: 1_000_000,
            }),
            100,
          ),
        },
        {
          description:
            'Limit of requests per client and gateway, by the address that a client comes from; none when absent.',
        },
      ),
    ),
    autoscaling: optional(autoscaling),
    service,
    exposure,
  },
  { description: 'MCP gateway in front of the services.' },
);
