import { describe, expect, test } from '@jest/globals';
import { encodeU32 } from '../activations/activations.js';
import { ConceptDictionary, type DictionaryVault } from './dictionary.js';

/** A vault's dictionary in memory, which counts what it is asked. */
function memoryVault() {
  const names: string[] = [];
  const asked = { names: 0, pages: 0 };
  const vault: DictionaryVault = {
    internConcepts: async (request) => {
      asked.names += request.names.length;
      const ids = request.names.map((name) => {
        const id = names.indexOf(name);
        if (id >= 0) return id;
        return request.existingOnly === true ? 0xffff_ffff : names.push(name) - 1;
      });
      return Promise.resolve({ conceptIds: encodeU32(Uint32Array.from(ids)) });
    },
    async *listConcepts(request) {
      for (let firstId = request.firstId; firstId < names.length; firstId += 1000) {
        asked.pages++;
        yield await Promise.resolve({ firstId, names: names.slice(firstId, firstId + 1000) });
      }
    },
  };
  return { vault, names, asked };
}

describe('ConceptDictionary', () => {
  test('asks the vault only for names that it has not seen', async () => {
    const { vault, asked } = memoryVault();
    const dictionary = new ConceptDictionary(vault, 'default');
    expect([...(await dictionary.intern(['a', 'b', 'a']))]).toEqual([0, 1, 0]);
    expect([...(await dictionary.intern(['b', 'c']))]).toEqual([1, 2]);
    expect(asked.names).toBe(3);
  });

  test('a lookup adds nothing', async () => {
    const { vault, names } = memoryVault();
    const dictionary = new ConceptDictionary(vault, 'default');
    await dictionary.intern(['a']);
    expect(await dictionary.find(['a', '__proto__', 'new'])).toEqual(new Map([['a', 0]]));
    expect(names).toEqual(['a']);
  });

  test('goes from activations by name to the wire form and back', async () => {
    const { vault } = memoryVault();
    const dictionary = new ConceptDictionary(vault, 'default');
    await dictionary.intern(['z']);
    const concepts = new Map([
      ['constructor', 0.5],
      ['__proto__', 0.25],
      ['z', 2],
    ]);
    const wire = await dictionary.encode(concepts);
    expect(await new ConceptDictionary(vault, 'default').decode(wire)).toEqual(concepts);
  });

  test('keeps pages of names, and sees names that came after a page was read', async () => {
    const { vault, names, asked } = memoryVault();
    for (let k = 0; k < 9_000; k++) names.push(`c${k}`);
    const dictionary = new ConceptDictionary(vault, 'default');
    expect(await dictionary.namesOf(Uint32Array.of(0, 4095, 4096, 8999))).toEqual([
      'c0',
      'c4095',
      'c4096',
      'c8999',
    ]);
    const before = asked.pages;
    await dictionary.namesOf(Uint32Array.of(5, 4097, 8998));
    expect(asked.pages).toBe(before);
    names.push('late');
    expect(await dictionary.namesOf(Uint32Array.of(9000))).toEqual(['late']);
    await expect(dictionary.namesOf(Uint32Array.of(9001))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('stays right when its cache is too small', async () => {
    const { vault, names } = memoryVault();
    for (let k = 0; k < 9_000; k++) names.push(`c${k}`);
    const dictionary = new ConceptDictionary(vault, 'default', { names: 2, pages: 1 });
    const wanted = ['c8999', 'c1', 'c4096', 'c0', 'c4097'];
    expect(await dictionary.namesOf(await dictionary.intern(wanted))).toEqual(wanted);
    expect(await dictionary.namesOf(Uint32Array.of(1))).toEqual(['c1']);
  });
});
