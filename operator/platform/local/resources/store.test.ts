import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { validateManifest, type Resource } from '../../../api/validate.js';
import { prepareHome, type Home } from '../home.js';
import { ResourceStore } from './store.js';

let home: Home;
let store: ResourceStore;

beforeEach(() => {
  home = prepareHome({ TORI_HOME: mkdtempSync(join(tmpdir(), 'store-')) });
  store = new ResourceStore(home, () => new Date('2026-01-01T00:00:00Z'));
});

afterEach(() => rmSync(home.root, { recursive: true, force: true }));

const cluster = (version: string, name = 'demo') => ({
  apiVersion: 'memory.tori.dev/v1alpha1',
  kind: 'MemoryCluster',
  metadata: { name },
  spec: { version },
});

function valid(manifest: unknown): Resource {
  const result = validateManifest(manifest);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.resource;
}

function apply(manifest: unknown) {
  return store.apply(valid(manifest), manifest).outcome;
}

/** Takes every resource up as the operator does: by a status. */
function observe(status: unknown = {}): void {
  for (const resource of store.read().resources) store.writeStatus(resource, status);
}

function generations(): Record<string, number> {
  return Object.fromEntries(
    store.read().resources.map(({ metadata }) => [metadata.name, metadata.generation]),
  );
}

describe('ResourceStore', () => {
  test('apply writes the manifest as the person wrote it, without defaults', () => {
    expect(apply(cluster('1'))).toBe('created');
    const written: unknown = parse(readFileSync(join(home.resources, 'memorycluster-demo.yaml'), 'utf8'));
    expect(written).toEqual(cluster('1'));
  });

  test('the generation grows with the spec and with nothing else', () => {
    apply(cluster('1'));
    observe();
    expect(generations()).toEqual({ demo: 1 });
    expect(apply(cluster('1'))).toBe('unchanged');
    expect(apply(cluster('2'))).toBe('configured');
    expect(generations()).toEqual({ demo: 2 });
    observe({ phase: 'Ready' });
    expect(generations()).toEqual({ demo: 2 });
  });

  test('a status survives edits of the file by hand', () => {
    apply(cluster('1'));
    observe({ phase: 'Ready' });
    const path = join(home.resources, 'memorycluster-demo.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"1"', '"2"'));
    const [resource] = store.read().resources;
    expect(resource).toMatchObject({
      metadata: { generation: 2 },
      spec: { version: '2' },
      status: { phase: 'Ready' },
    });
  });

  test('a broken file leaves the last accepted manifest in force and names the fault', () => {
    apply(cluster('1'));
    observe();
    writeFileSync(join(home.resources, 'memorycluster-demo.yaml'), 'spec: [unclosed\nkind: x');
    const { resources, problems } = store.read();
    expect(resources[0]).toMatchObject({ metadata: { generation: 1 }, spec: { version: '1' } });
    expect(problems[0]?.file).toBe('memorycluster-demo.yaml');
    expect(problems[0]?.problems[0]?.reason).toMatch(/^not valid YAML: /);
  });

  test('a refused manifest says path, value and reason', () => {
    writeFileSync(join(home.resources, 'x.yaml'), JSON.stringify({ ...cluster('1'), spec: { version: 7 } }));
    const { resources, problems } = store.read();
    expect(resources).toEqual([]);
    expect(problems[0]?.problems[0]).toMatchObject({ path: 'spec.version', value: 7 });
  });

  test('several resources may stand in one file, and changing one leaves the other as it was written', () => {
    const path = join(home.resources, 'both.yaml');
    const other = '# a comment that stays\n' + JSON.stringify(cluster('1', 'other'));
    writeFileSync(path, `${JSON.stringify(cluster('1'))}\n---\n${other}\n`);
    observe();
    expect(apply(cluster('2'))).toBe('configured');
    expect(readFileSync(path, 'utf8')).toContain('# a comment that stays');
    expect(generations()).toEqual({ demo: 2, other: 1 });
    expect(store.delete('MemoryCluster', 'demo')).toBe(true);
    expect(generations()).toEqual({ other: 1 });
    expect(store.orphans(store.read()).map((record) => record.name)).toEqual(['demo']);
  });
});
