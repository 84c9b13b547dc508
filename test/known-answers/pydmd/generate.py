"""Makes dmd.json: a small noisy series and what PyDMD 2025.8.1 finds in it.

    python -m venv venv && venv/bin/pip install pydmd==2025.8.1 && venv/bin/python generate.py

Amplitudes are stored multiplied into their modes (b_k * mode_k): each factor alone depends on how the eigenvectors
were normalised. PyDMD's sparsity-promoting DMD is not asked: its soft threshold is wrong.
"""

import json
from pathlib import Path

import numpy as np
from pydmd import DMD

STATES, SNAPSHOTS, RANK = 16, 48, 7


def series(rng):
    eigenvalues = np.array([0.99 * np.exp(0.3j), 0.97 * np.exp(0.9j), 0.95 * np.exp(2.1j), 0.98])
    modes = rng.standard_normal((STATES, 4)) + 1j * rng.standard_normal((STATES, 4))
    modes[:, 3] = modes[:, 3].real
    x = (modes @ (eigenvalues[:, None] ** np.arange(SNAPSHOTS))).real
    # Rounded so that the file holds exactly what was decomposed.
    return np.round(x + 0.01 * rng.standard_normal(x.shape), 6)


def pairs(values):
    return [[float(v.real), float(v.imag)] for v in np.ravel(values)]


def answer(x, **options):
    dmd = DMD(svd_rank=RANK, exact=True, opt=True, **options).fit(x)
    return {"eigenvalues": pairs(dmd.eigs), "weightedModes": [pairs(b * m) for b, m in zip(dmd.amplitudes, dmd.modes.T)]}


x = series(np.random.default_rng(7))
result = {
    "rank": RANK,
    "snapshots": x.T.tolist(),
    "dmd": answer(x),
    "totalLeastSquares": {"eigenvalues": answer(x, tlsq_rank=RANK)["eigenvalues"]},
}
Path(__file__).with_name("dmd.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
