/** What is remembered about the tracks of a cluster: what was done to them, how far a drain is, the probe set. */
export type DocumentName = 'tracks' | 'drain' | 'probes';

/**
 * Small JSON documents that outlive the operator. Files on one machine, a ConfigMap on Kubernetes. Losing one is harmless:
 * whatever they record can be done again.
 */
export interface KeptDocuments {
  /** The text that was last written; undefined when there is none. */
  read(name: DocumentName): Promise<string | undefined>;
  /** @throws when it cannot be stored, or somebody else has stored another meanwhile */
  write(name: DocumentName, text: string): Promise<void>;
  remove(...names: readonly DocumentName[]): Promise<void>;
}

/** Parses a document; one that cannot be read counts as absent. */
export async function readDocument<T>(
  documents: KeptDocuments,
  name: DocumentName,
  parse: (json: unknown) => T,
): Promise<T | undefined> {
  const text = await documents.read(name);
  if (text === undefined) return undefined;
  try {
    return parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
