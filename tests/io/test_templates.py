"""The embedded template is read offline and is what its publishers say."""

import subprocess
import sys

import numpy as np

from spinloom.io.templates import read_template


def test_mni152_is_a_one_millimetre_ras_brain() -> None:
    template = read_template("mni152")
    assert template.grid.shape == (197, 233, 189)
    np.testing.assert_allclose(template.grid.affine, [[1, 0, 0, -98], [0, 1, 0, -134], [0, 0, 1, -72], [0, 0, 0, 1]])
    assert float((template.GM + template.WM).max()) <= 1 + 1e-6
    assert 900e3 < template.GM.sum() < 1100e3  # mm^3
    assert 0 <= template.CSF.min() <= template.CSF.max() <= 1


def test_nilearn_itself_is_not_imported() -> None:
    code = "import sys, spinloom.io.templates as t; t.read_template(); assert 'nilearn' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
