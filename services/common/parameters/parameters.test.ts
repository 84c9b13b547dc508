import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { loadConfig } from '../config/config.js';
import { createParameterSet, parameterVariable } from './parameters.js';

const bounds = {
  learningRate: { field: 'learning_rate', min: 1e-4, max: 0.1, default: 0.01 },
  rank: { field: 'rank', min: 1, max: 500, default: 50, integer: true },
};

describe('parameter set', () => {
  test('starts with the defaults, or with what it was given', () => {
    expect(createParameterSet(bounds).values()).toEqual({ learningRate: 0.01, rank: 50 });
    expect(createParameterSet(bounds, { rank: 75 }).values()).toEqual({ learningRate: 0.01, rank: 75 });
  });

  test('changes what is set, within bounds that are included', () => {
    const set = createParameterSet(bounds);
    expect(set.update({ learningRate: 0.1, rank: undefined })).toEqual({ learningRate: 0.1, rank: 50 });
    expect(set.update({ learningRate: 1e-4 })).toEqual({ learningRate: 1e-4, rank: 50 });
    expect(set.values()).toEqual({ learningRate: 1e-4, rank: 50 });
  });

  test.each([
    [{ learningRate: 0.11 }, 'learning_rate: 0.11 is not accepted; expected a number from 0.0001 to 0.1'],
    [{ learningRate: Number.NaN }, 'learning_rate: NaN is not accepted'],
    [{ rank: 50.5 }, 'rank: 50.5 is not accepted; expected a whole number from 1 to 500'],
    [{ rank: 0 }, 'rank: 0 is not accepted'],
  ])('refuses %j, naming field, value and range', (changes, message) => {
    expect(() => createParameterSet(bounds).update(changes)).toThrow(message);
    expect(() => createParameterSet(bounds, changes)).toThrow(message);
  });

  test('a refused change changes nothing', () => {
    const set = createParameterSet(bounds);
    expect(() => set.update({ learningRate: 0.02, rank: 0 })).toThrow('rank');
    expect(set.values()).toEqual({ learningRate: 0.01, rank: 50 });
  });

  test('its variable has the same bounds and default', () => {
    const schema = z.object({ DMD_RANK: parameterVariable(bounds.rank) });
    expect(loadConfig(schema, {})).toEqual({ DMD_RANK: 50 });
    expect(loadConfig(schema, { DMD_RANK: '75' })).toEqual({ DMD_RANK: 75 });
    for (const text of ['0', '501', 'many', '1.5']) {
      expect(() => loadConfig(schema, { DMD_RANK: text })).toThrow(
        `DMD_RANK = "${text}": expected a whole number from 1 to 500`,
      );
    }
  });
});
