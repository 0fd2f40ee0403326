"""Real whole heads (256^3 label maps in LIA order): every one becomes a phantom."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from spinloom.core.scanner import Scanner
from spinloom.phantom.labels import from_labels
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.schemes import FREESURFER
from spinloom.phantom.susceptibility import field_from_susceptibility, shim
from spinloom.phantom.tissue_table import tissue_table
from spinloom.reconstruction.reconstruct import reconstruct
from spinloom.sequence.protocols import turbo_spin_echo
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate

HEADS = [n for n in range(1, 20) if n != 13]


def head(shared_data: Path, n: int, every: int = 1) -> Phantom:
    image = nib.load(shared_data / "head_label_maps" / f"training_seg_{n:02d}.nii.gz")
    labels = np.asanyarray(image.dataobj)[::every, ::every, ::every]
    affine = image.affine @ np.diag([every, every, every, 1])
    return from_labels(labels, affine, scheme=FREESURFER, B0=3.0, seed=n)


@pytest.mark.parametrize("n", HEADS)
def test_every_head_becomes_a_phantom(shared_data: Path, n: int) -> None:
    p = head(shared_data, n, every=3)
    assert p.tissues is not None
    assert p.fractions is not None
    assert {"csf", "grey_matter", "white_matter", "fat", "muscle", "skin", "cortical_bone"} <= {
        t.name for t in p.tissues
    }
    volume = {t.name: int(f.sum()) / 255 * 27e-6 for t, f in zip(p.tissues, p.fractions, strict=True)}
    assert 0.7 < volume["grey_matter"] + volume["white_matter"] < 1.7  # litres of brain
    seen = p.PD > 0
    assert (p.T2star[seen] <= p.T2[seen]).all()
    assert (p.T2[seen] <= p.T1[seen]).all()


def test_head_stands_upright_in_RAS(shared_data: Path) -> None:
    """Eyes in front of the brain and level left and right, brain stem below the cortex."""
    p = head(shared_data, 8, every=2)
    assert p.tissues is not None
    assert p.fractions is not None

    def middle(name: str) -> np.ndarray:
        index = np.argwhere(p.fractions[p.tissues.index(name)] > 128)  # type: ignore[index, union-attr]
        return p.grid.positions_mm(index).mean(axis=0)

    assert middle("eye")[1] > middle("grey_matter")[1] + 30
    assert middle("spinal_cord")[2] < middle("grey_matter")[2] - 30


def test_field_of_a_head_is_worst_above_the_sinuses_and_a_shim_helps(shared_data: Path) -> None:
    """Some ppm around air, a fraction of one in most of the brain: Li et al., Magn. Reson. Med. 36, 710 (1996)."""
    p = head(shared_data, 8, every=3)
    assert p.tissues is not None
    assert p.fractions is not None
    assert p.chi_ppm is not None
    brain = p.fractions[[p.tissues.index(n) for n in ("grey_matter", "white_matter")]].sum(0) > 200
    raw = field_from_susceptibility(p.chi_ppm, p.grid.voxel_mm, 3.0)
    left = shim(raw, brain, order=2, voxel_mm=p.grid.voxel_mm)
    assert left[brain].std() < raw[brain].std()
    assert 5 < left[brain].std() < 60
    assert np.percentile(np.abs(left[brain]), 99) > 3 * np.median(np.abs(left[brain]))


@pytest.mark.slow
@pytest.mark.parametrize("n", HEADS)
def test_every_head_at_full_resolution(shared_data: Path, n: int) -> None:
    p = head(shared_data, n)
    assert p.grid.voxel_mm == pytest.approx((1, 1, 1))
    white = p.labels == 2
    assert np.median(p.T1[white]) == pytest.approx(tissue_table(3.0).named("white_matter").T1, rel=0.2)
    image = reconstruct(simulate(p, turbo_spin_echo(slices=1), Scanner(), method=SignalEquation()))
    assert np.isfinite(image.data).all()
    bright = image.data > 0.1 * image.data.max()
    assert 0.1 < bright.mean() < 0.8  # a head fills a good part of its field of view
