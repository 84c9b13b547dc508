/** A dense complex matrix: real and imaginary parts apart, both row-major. */
export interface ComplexMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** A matrix of zeros. */
export function complexMatrix(rows: number, columns: number): ComplexMatrix {
  return { rows, columns, re: new Float64Array(rows * columns), im: new Float64Array(rows * columns) };
}

/** The angle in (−π, π] that differs from the given one by full turns. */
export function wrapAngle(angle: number): number {
  const wrapped = angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
  return wrapped <= -Math.PI ? wrapped + 2 * Math.PI : wrapped;
}

/** Weight of the identity that keeps the factorisation of a semi-definite matrix alive; taken out by refinement. */
const ridge = 1e-12;
const refinements = 2;

/**
 * Solves A X = B for a Hermitian positive semi-definite A. A is scaled to a unit diagonal and regularised just above
 * rounding, then the solution is refined against A itself: accurate where A is well-conditioned, and of moderate size
 * where modes are nearly parallel. A row of A that is zero gets the solution 0.
 * @param a r × r; only the lower triangle is read for the factor
 * @param b r × k
 */
export function solveHermitian(a: ComplexMatrix, b: ComplexMatrix): ComplexMatrix {
  const scale = Float64Array.from({ length: a.rows }, (_, i) => {
    const diagonal = a.re[i * a.rows + i]!;
    return diagonal > 0 ? 1 / Math.sqrt(diagonal) : 0;
  });
  const scaled = mapEntries(a, (i, j) => scale[i]! * scale[j]!);
  const target = mapEntries(b, (i) => scale[i]!);
  const factor = cholesky(scaled);
  const solution = substitute(factor, target);
  for (let round = 0; round < refinements; round++) {
    const correction = substitute(factor, residual(scaled, solution, target));
    for (let k = 0; k < solution.re.length; k++) {
      solution.re[k]! += correction.re[k]!;
      solution.im[k]! += correction.im[k]!;
    }
  }
  return mapEntries(solution, (i) => scale[i]!);
}

function mapEntries(matrix: ComplexMatrix, factor: (row: number, column: number) => number): ComplexMatrix {
  const { rows, columns } = matrix;
  const result = complexMatrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const place = i * columns + j;
      const weight = factor(i, j);
      result.re[place] = matrix.re[place]! * weight;
      result.im[place] = matrix.im[place]! * weight;
    }
  }
  return result;
}

/** Lower factor L with L Lᴴ = A + ridge·I. */
function cholesky(a: ComplexMatrix): ComplexMatrix {
  const n = a.rows;
  const factor = complexMatrix(n, n);
  const { re, im } = factor;
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sumRe = a.re[i * n + j]! + (i === j ? ridge : 0);
      let sumIm = a.im[i * n + j]!;
      for (let k = 0; k < j; k++) {
        const p = i * n + k;
        const q = j * n + k;
        sumRe -= re[p]! * re[q]! + im[p]! * im[q]!;
        sumIm -= im[p]! * re[q]! - re[p]! * im[q]!;
      }
      if (i === j) {
        re[i * n + j] = Math.sqrt(Math.max(sumRe, ridge));
      } else {
        re[i * n + j] = sumRe / re[j * n + j]!;
        im[i * n + j] = sumIm / re[j * n + j]!;
      }
    }
  }
  return factor;
}

/** (L Lᴴ)⁻¹ B, column by column. */
function substitute(factor: ComplexMatrix, b: ComplexMatrix): ComplexMatrix {
  const result: ComplexMatrix = { ...b, re: b.re.slice(), im: b.im.slice() };
  const n = factor.rows;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++)
      subtractRow(result, i, k, { re: factor.re[i * n + k]!, im: factor.im[i * n + k]! });
    divideRow(result, i, factor.re[i * n + i]!);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) {
      subtractRow(result, i, k, { re: factor.re[k * n + i]!, im: -factor.im[k * n + i]! });
    }
    divideRow(result, i, factor.re[i * n + i]!);
  }
  return result;
}

function subtractRow(
  matrix: ComplexMatrix,
  target: number,
  source: number,
  weight: { re: number; im: number },
): void {
  const { columns, re, im } = matrix;
  for (let c = 0; c < columns; c++) {
    const sourceRe = re[source * columns + c]!;
    const sourceIm = im[source * columns + c]!;
    re[target * columns + c]! -= weight.re * sourceRe - weight.im * sourceIm;
    im[target * columns + c]! -= weight.re * sourceIm + weight.im * sourceRe;
  }
}

function divideRow({ columns, re, im }: ComplexMatrix, row: number, divisor: number): void {
  for (let c = row * columns; c < (row + 1) * columns; c++) {
    re[c]! /= divisor;
    im[c]! /= divisor;
  }
}

/** B − A X. */
function residual(a: ComplexMatrix, x: ComplexMatrix, b: ComplexMatrix): ComplexMatrix {
  const result: ComplexMatrix = { ...b, re: b.re.slice(), im: b.im.slice() };
  const { rows, columns } = x;
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < rows; k++) {
      const weightRe = a.re[i * rows + k]!;
      const weightIm = a.im[i * rows + k]!;
      for (let c = 0; c < columns; c++) {
        const sourceRe = x.re[k * columns + c]!;
        const sourceIm = x.im[k * columns + c]!;
        result.re[i * columns + c]! -= weightRe * sourceRe - weightIm * sourceIm;
        result.im[i * columns + c]! -= weightRe * sourceIm + weightIm * sourceRe;
      }
    }
  }
  return result;
}
