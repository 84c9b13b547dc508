import type { Activations } from '../../../proto/gen/tori/memory/v1/types.js';
import { invalidArgument } from '../errors.js';

/** Sparse activations as typed arrays: ids strictly ascending, values finite and above 0, both of one length. */
export interface SparseVector {
  readonly ids: Uint32Array;
  readonly values: Float32Array;
}

const maxActivations = 65_536;

/**
 * Reads the wire form and checks it.
 * @param field name used in errors
 * @throws INVALID_ARGUMENT when lengths differ, ids are not strictly ascending, or a value is not finite and above 0
 */
export function decodeActivations(wire: Activations | undefined, field = 'activations'): SparseVector {
  if (wire === undefined) throw invalidArgument(field, undefined, 'activations');
  const ids = decodeU32(wire.conceptIds, `${field}.concept_ids`);
  const values = decodeF32(wire.values, `${field}.values`);
  if (ids.length !== values.length) {
    throw invalidArgument(
      `${field}.values`,
      `${values.length} values`,
      `${ids.length}, one for each concept id`,
    );
  }
  if (ids.length === 0 || ids.length > maxActivations) {
    throw invalidArgument(field, `${ids.length} activations`, `1 to ${maxActivations}`);
  }
  for (let k = 0; k < ids.length; k++) checkActivation(ids, values, k, field);
  return { ids, values };
}

/** Writes the wire form. The vector's arrays must hold its invariants; see {@link sparseVector}. */
export function encodeActivations(vector: SparseVector): Activations {
  return { conceptIds: encodeU32(vector.ids), values: encodeF32(vector.values) };
}

/** Builds a sparse vector from pairs in any order; values of a repeated id are added up. */
export function sparseVector(pairs: Iterable<readonly [id: number, value: number]>): SparseVector {
  const sums = new Map<number, number>();
  for (const [id, value] of pairs) sums.set(id, (sums.get(id) ?? 0) + value);
  const ids = Uint32Array.from(sums.keys()).sort();
  return { ids, values: Float32Array.from(ids, (id) => sums.get(id)!) };
}

/** Little-endian u32 bytes to an array; a view where alignment allows, else a copy. */
export function decodeU32(bytes: Uint8Array, field: string): Uint32Array {
  checkWords(bytes, field);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/** Little-endian f32 bytes to an array; a view where alignment allows, else a copy. */
export function decodeF32(bytes: Uint8Array, field: string): Float32Array {
  checkWords(bytes, field);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

/** The array's bytes, without a copy. Every platform that Node runs on is little-endian. */
export function encodeU32(values: Uint32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** The array's bytes, without a copy. */
export function encodeF32(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function checkActivation(ids: Uint32Array, values: Float32Array, k: number, field: string): void {
  if (k > 0 && ids[k]! <= ids[k - 1]!) {
    throw invalidArgument(
      `${field}.concept_ids[${k}]`,
      ids[k],
      `more than ${ids[k - 1]!}: strictly ascending ids`,
    );
  }
  const value = values[k]!;
  if (!(value > 0) || !Number.isFinite(value)) {
    throw invalidArgument(`${field}.values[${k}]`, value, 'a finite number above 0');
  }
}

function checkWords(bytes: Uint8Array, field: string): void {
  if (bytes.byteLength % 4 !== 0)
    throw invalidArgument(field, `${bytes.byteLength} bytes`, 'a multiple of 4 bytes');
}
