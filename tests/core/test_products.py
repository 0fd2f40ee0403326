"""Products of matrices: right, and the same bytes whatever the number of BLAS threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from spinloom.core.products import product

PROGRAM = """
import hashlib, numpy as np
from spinloom.core.products import product
rng = np.random.default_rng(0)
digest = hashlib.sha256()
for m, k, n in ((192, 900, 2000), (41, 541, 3001), (256, 230, 512), (60, 222, 128), (13, 7, 77)):
    a, b = ((rng.standard_normal(s) + 1j * rng.standard_normal(s)).astype(np.complex64) for s in ((m, k), (k, n)))
    digest.update(product(a, b).tobytes())
print(digest.hexdigest())
"""


def test_the_bytes_do_not_depend_on_the_number_of_threads() -> None:
    seen = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(seen) == 1


@pytest.mark.parametrize("k", [1, 15, 16, 33])
def test_a_product_in_blocks_is_the_product(k: int) -> None:
    rng = np.random.default_rng(k)
    a, b = rng.standard_normal((3, 4, k)), rng.standard_normal((3, k, 1100))
    np.testing.assert_allclose(product(a, b), np.einsum("imk,ikn->imn", a, b), atol=1e-13)
