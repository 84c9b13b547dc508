/**
 * Directions above rounding: eigenvalues of a Gram matrix above n·ε of the largest, the usual bound for the error of a
 * symmetric eigensolver.
 * @param eigenvalues squared singular values in descending order
 * @param largest what counts as the largest; that of a bigger matrix when this one is a part of it
 */
export function numericalRank(eigenvalues: Float64Array, largest = eigenvalues[0] ?? 0): number {
  const tolerance = eigenvalues.length * Number.EPSILON * largest;
  return eigenvalues.filter((value) => value > tolerance).length;
}

/**
 * Directions above the optimal hard threshold for singular values, ω(β)·median, when the strength of the noise is
 * unknown (Gavish & Donoho 2014, arXiv 1305.5870, eq. 5 with the cubic approximation of ω). Taken at β = 1, the most
 * cautious aspect ratio: the state is sparse, so its nominal length says little about the shape of the noise.
 * @param eigenvalues squared singular values in descending order
 */
export function hardThresholdRank(eigenvalues: Float64Array): number {
  const singular = Array.from(eigenvalues, (value) => Math.sqrt(Math.max(0, value)));
  const middle = singular[Math.floor(singular.length / 2)] ?? 0;
  const omega = 0.56 - 0.95 + 1.82 + 1.43;
  return singular.filter((value) => value > omega * middle).length;
}
