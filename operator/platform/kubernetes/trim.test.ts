import { describe, expect, test } from '@jest/globals';
import type { ManagedFields, ObjectMeta } from '../../runtime/index.js';
import { fieldManager } from './field-manager.js';
import { heldFields, trimChild } from './trim.js';

const ours: ManagedFields = {
  manager: fieldManager,
  operation: 'Apply',
  fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:template': {} } },
};
const edited: ManagedFields = {
  manager: 'kubectl-edit',
  operation: 'Update',
  fieldsV1: { 'f:spec': { 'f:replicas': {} } },
};
const meta = (...managedFields: readonly ManagedFields[]): ObjectMeta => ({ name: 'one', managedFields });

describe('who holds what of a child', () => {
  test('we alone', () => {
    expect(heldFields(meta(ours))).toMatchObject({ foreign: '' });
  });

  test('somebody who edits a field is seen', () => {
    expect(heldFields(meta(ours, edited)).foreign).not.toBe('');
  });

  test('a status is nobody\u2019s business', () => {
    const status = { ...edited, subresource: 'status' };
    expect(heldFields(meta(ours, status))).toEqual(heldFields(meta(ours)));
  });

  test('a field that is taken from us is seen, whether or not the taker is', () => {
    const fewer = { ...ours, fieldsV1: { 'f:spec': { 'f:template': {} } } };
    expect(heldFields(meta(fewer)).ours).not.toBe(heldFields(meta(ours)).ours);
  });

  test('children of two clusters are held alike', () => {
    const owned = (uid: string) => {
      const owner = { [`k:{"uid":"${uid}"}`]: {} };
      return meta({ ...ours, fieldsV1: { 'f:metadata': { 'f:ownerReferences': owner } } });
    };
    expect(heldFields(owned('1-2'))).toEqual(heldFields(owned('3-4')));
    expect(heldFields(owned('1-2')).ours).not.toBe(heldFields(meta(ours)).ours);
  });

  test('the time of an edit alone is not a change', () => {
    const later = { ...edited, time: '2030-01-01T00:00:00Z' };
    expect(heldFields(meta(ours, later))).toEqual(heldFields(meta(ours, edited)));
  });

  test('a kept child has no labels, annotations or fields that nobody reads', () => {
    const kept = trimChild({
      metadata: {
        ...meta(ours),
        labels: { 'memory.tori.dev/cluster': 'memory', other: 'x' },
        annotations: { 'memory.tori.dev/applied': 'hash', note: 'long' },
      },
    });
    expect(kept.metadata).toEqual({
      name: 'one',
      labels: { 'memory.tori.dev/cluster': 'memory' },
      annotations: { 'memory.tori.dev/applied': 'hash' },
    });
  });
});
