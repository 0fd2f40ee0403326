"""A phantom and its files scan to the same image, but for what is said not to be in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_phantom_files import phantom as points

from spinloom.core.errors import InputError
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.io import read_phantom, write_phantom
from spinloom.io.phantoms import left_out
from spinloom.phantom import Phantom, Sphere, spheres
from spinloom.phantom.landmarks import scan_centre_mm
from spinloom.phantom.tissue_table import tissue_table
from spinloom.sequence.protocols import spin_echo
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import simulate

PLAIN = ("grey_matter", "csf", "muscle")


def ring(tissues: tuple[str, ...] = PLAIN, apart_mm: float = 40.0) -> Phantom:
    """A row of spheres of one tissue each, the grey one to the left of the grid's middle; nothing diffuses."""
    table = tissue_table(3.0, tissues)
    still = replace(table, tissues=tuple(replace(t, D=0.0) for t in table))
    row = [Sphere(name, (apart_mm * (n - 1), 0.0, 0.0), 16.0) for n, name in enumerate(tissues)]
    return spheres(row, still, shape=(36, 18, 8), voxel_mm=4.0)


def scan(phantom: Phantom) -> KSpace:
    sequence = spin_echo(matrix=16, FOV=0.16, TE=0.02)
    return simulate(phantom, sequence, Scanner(noise=None), method=SignalEquation(threads=1))


def apart(a: KSpace, b: KSpace) -> float:
    """Largest difference between two scans, relative to the largest sample."""
    return float(np.abs(a.samples - b.samples).max() / np.abs(a.samples).max())


def with_fields() -> Phantom:
    rng = np.random.default_rng(2)
    made = ring()
    B1, dB0 = (rng.normal(mean, sd, made.grid.shape).astype(np.float32) for mean, sd in ((1.0, 0.1), (0.0, 20.0)))
    return replace(made, B1=B1, dB0=dB0)


WHOLE = {
    "spheres as maps": (ring, "maps"),
    "spheres in uneven fields as maps": (with_fields, "maps"),
    "points as JEMRIS": (lambda: points(centre=(4.0, -3.0, 10.0)), "p.h5"),
    "points as KomaMRI": (lambda: points(centre=(4.0, -3.0, 10.0)), "p.phantom"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_leaves_nothing_out_scans_to_the_same_image_at_the_same_place(case: str, tmp_path: Path) -> None:
    make, name = WHOLE[case]
    made = replace(make(), B0=3.0)
    assert left_out(made, name) == ()
    write_phantom(made, tmp_path / name)
    once, again = scan(made), scan(read_phantom(tmp_path / name, B0=3.0))
    assert again.isocentre_mm == pytest.approx(once.isocentre_mm, abs=1e-4)
    assert apart(once, again) < 1e-4


LOSSY = {
    "fat": (ring(("grey_matter", "fat", "muscle")), "maps", "chemical shift (fat)"),
    "touching spheres": (ring(apart_mm=22.0), "maps", "several tissues in one voxel"),
    "voxels as points": (ring(), "p.h5", "become points"),
    "a head off the middle": (ring(), "p.phantom", "centred on the grid"),
    "uneven transmit field": (with_fields(), "p.phantom", "B1"),
    "points as voxels": (replace(points(), B0=3.0), "maps", "become boxes"),
}


@pytest.mark.parametrize("case", LOSSY)
def test_what_is_said_to_be_left_out_makes_a_difference(case: str, tmp_path: Path) -> None:
    made, name, said = LOSSY[case]
    assert any(said in text for text in left_out(made, name))
    write_phantom(made, tmp_path / name)
    assert apart(scan(made), scan(read_phantom(tmp_path / name, B0=3.0))) > 1e-3


def test_diffusion_and_motion_are_said_to_be_left_out_where_there_is_any() -> None:
    made = ring()
    assert "diffusion" not in left_out(made, "maps")
    assert "diffusion" in left_out(replace(made, D=np.ones(made.grid.shape, np.float32)), "maps")
    assert left_out(replace(made, fractions=None), "maps") == ()


def test_the_table_beside_the_labels_tells_where_the_brain_is(tmp_path: Path) -> None:
    made = ring()
    write_phantom(made, tmp_path / "maps")
    assert scan_centre_mm(made)[0] == pytest.approx(-40)
    named = read_phantom(tmp_path / "maps", B0=3.0)
    assert scan_centre_mm(named) == scan_centre_mm(made)
    assert scan_centre_mm(read_phantom(tmp_path / "maps" / "T2map.nii.gz", B0=3.0)) == scan_centre_mm(made)
    assert named.tissues is not None
    assert named.tissues.named("csf").T1 == pytest.approx(tissue_table(3.0, PLAIN).named("csf").T1)
    (tmp_path / "maps" / "dseg.tsv").unlink()
    assert scan_centre_mm(read_phantom(tmp_path / "maps", B0=3.0)) == pytest.approx((0, 0, 0))


def test_names_of_labels_survive_being_written_again(tmp_path: Path) -> None:
    write_phantom(ring(), tmp_path / "maps")
    write_phantom(read_phantom(tmp_path / "maps"), tmp_path / "again")
    assert (tmp_path / "again" / "dseg.tsv").read_bytes() == (tmp_path / "maps" / "dseg.tsv").read_bytes()


def test_a_table_of_other_columns_names_nothing_and_a_label_that_is_no_number_is_refused(tmp_path: Path) -> None:
    write_phantom(ring(), tmp_path / "maps")
    table = tmp_path / "maps" / "dseg.tsv"
    table.write_text("label\tcolour\n1\tred\n")
    assert read_phantom(tmp_path / "maps").tissues is None
    table.write_text("index\tname\none\tgrey_matter\n")
    with pytest.raises(InputError, match="'one' is not a label") as refusal:
        read_phantom(tmp_path / "maps")
    assert refusal.value.file == str(table)
