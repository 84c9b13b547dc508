/** A manifest that must be refused, with the path that the refusal must name and what its reason says. */
export interface WrongManifest {
  readonly name: string;
  readonly yaml: string;
  readonly path: string;
  readonly reason: RegExp;
}

export const head = (kind: string, name = 'wrong') =>
  `apiVersion: memory.tori.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

export const cluster = (name: string, spec: string, path: string, reason: RegExp): WrongManifest => ({
  name: `MemoryCluster: ${name}`,
  yaml: `${head('MemoryCluster')}spec: { version: "1", ${spec} }\n`,
  path,
  reason,
});

export const profile = (name: string, spec: string, path: string, reason: RegExp): WrongManifest => ({
  name: `TuningProfile: ${name}`,
  yaml: `${head('TuningProfile')}spec: { ${spec} }\n`,
  path,
  reason,
});

export const action = (name: string, spec: string, path: string, reason: RegExp): WrongManifest => ({
  name: `MemoryAction: ${name}`,
  yaml: `${head('MemoryAction')}spec: { ${spec} }\n`,
  path,
  reason,
});
