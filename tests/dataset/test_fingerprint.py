"""A fingerprint recovers what was put into a data set, and what is wrong with it stands first on the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spinloom.core.affine import centred
from spinloom.core.errors import InputError, PartialFailure
from spinloom.core.image import Image, Quantity
from spinloom.dataset.explore import explore_page
from spinloom.dataset.explore_look import Looks
from spinloom.dataset.find import find_scans
from spinloom.dataset.fingerprint import Fingerprint, fingerprint, read_fingerprint, write_fingerprint
from spinloom.dataset.fingerprint_agreement import boundary_agreement, normalised_mutual_information
from spinloom.dataset.fingerprint_image import measure, noise_sd
from spinloom.dataset.fingerprint_outliers import outliers
from spinloom.dataset.fingerprint_slices import odd_slices
from spinloom.dataset.scans import Scan
from spinloom.report.page import render

SHAPE = (40, 44, 36)
TEXTURE = gaussian_filter(np.random.default_rng(9).standard_normal(SHAPE), 2.0)
AXES = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
BALL = np.sqrt(sum(a**2 for a in AXES)) < 0.8


def brain(name: str, contrast: str, noise: float = 10.0, gain: float = 1.0) -> Image:
    """A ball of three tissues whose order differs between contrasts, in noise of its own; voxels of 3 x 3 x 4 mm."""
    values = {"T1w": (500.0, 700.0, 900.0), "T2w": (1200.0, 850.0, 600.0)}[contrast]
    tissue = np.digitize(TEXTURE / TEXTURE.std(), (-0.5, 0.5))
    rng = np.random.default_rng(sum(map(ord, name + contrast)))
    data = np.where(BALL, np.take(values, tissue), 0.0) + rng.normal(0, noise, SHAPE)
    return Image((gain * np.abs(data)).astype(np.float32), centred(SHAPE, (3.0, 3.0, 4.0)))


def made(images: dict[tuple[str, str], Image], looks: Looks | None = None) -> Fingerprint:
    scans = [Scan(Path(f"{s}_{c}.nii.gz"), s, None, c, image.quantity) for (s, c), image in images.items()]
    return fingerprint(scans, read=lambda s: images[s.subject, s.contrast], visit=looks.add if looks else None)


def eight() -> dict[tuple[str, str], Image]:
    return {(f"s{n}", c): brain(f"s{n}", c) for n in range(8) for c in ("T1w", "T2w")}


def test_geometry_is_that_of_the_affine() -> None:
    one = made({("a", "T1w"): brain("a", "T1w")}).images[0]
    assert one.shape == SHAPE
    assert one.voxel_mm == (3, 3, 4)
    assert one.FOV_mm == (120, 132, 144)
    assert one.orientation == "RAS"
    assert one.oblique_deg == 0
    assert one.anisotropy == pytest.approx(4 / 3, abs=1e-3)
    assert one.mask_cm3 == pytest.approx(BALL.sum() * 36 / 1000, rel=0.05)


def test_tilt_is_the_angle_between_an_axis_and_the_world() -> None:
    turn = np.eye(4)
    angle = np.deg2rad(12.0)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    image = replace(brain("a", "T1w"), affine=turn @ brain("a", "T1w").affine)
    assert made({("a", "T1w"): image}).images[0].oblique_deg == pytest.approx(12.0, abs=0.01)


@pytest.mark.parametrize("sd", [5.0, 20.0, 60.0])
def test_noise_is_recovered_within_5_percent(sd: float) -> None:
    noise = np.random.default_rng(1).normal(0, sd, SHAPE)
    smooth = 900 * np.exp(-2 * sum(a**2 for a in AXES))
    assert noise_sd((smooth + noise).astype(np.float32), BALL) == pytest.approx(sd, rel=0.05)


def test_noise_of_a_single_slice_is_recovered_too() -> None:
    flat = np.random.default_rng(1).normal(0, 3, (120, 120, 1)).astype(np.float32)
    assert noise_sd(flat, np.ones(flat.shape, bool)) == pytest.approx(3, rel=0.05)


def test_percentiles_background_and_moments_are_of_the_two_sides_of_the_mask() -> None:
    image = brain("a", "T1w")
    facts = measure(Scan(Path("a"), "a", None, "T1w"), image, BALL).intensities
    assert facts is not None
    inside = image.data[BALL].astype(float)
    assert facts.mean == pytest.approx(inside.mean())
    assert facts.sd == pytest.approx(inside.std())
    for name, value in facts.percentiles.items():
        assert value == pytest.approx(np.percentile(inside, float(name)))
    assert facts.background == pytest.approx(np.median(image.data[~BALL]))


def test_a_contrast_pools_its_images_alike() -> None:
    pooled = made({(s, "T1w"): brain(s, "T1w", gain=g) for s, g in (("a", 1.0), ("b", 3.0))}).contrasts[0].intensities
    both = [made({(s, "T1w"): brain(s, "T1w", gain=g)}).images[0].intensities for s, g in (("a", 1.0), ("b", 3.0))]
    assert pooled is not None
    means, sds = (np.array([getattr(i, k) for i in both]) for k in ("mean", "sd"))
    assert pooled.mean == pytest.approx(means.mean())
    assert pooled.sd**2 == pytest.approx((sds**2).mean() + means.var())


def test_odd_slices_are_found_and_no_others() -> None:
    data = brain("a", "T1w").data.astype(np.float32)
    assert odd_slices(data, BALL) == ()
    data[:, :, 14] = (data[:, :, 13] + data[:, :, 15]) / 2
    data[:, :, 21] = data[:, :, 20]
    data[18] += 9000.0
    found = {(o.axis, o.index): o.what for o in odd_slices(data, BALL)}
    assert set(found) == {(2, 14), (2, 21), (0, 18)}
    assert "made up" in found[2, 14]
    assert "copy" in found[2, 21]
    assert "unlike" in found[0, 18]


def test_one_grid_is_told_from_several() -> None:
    images = eight()
    shared = made(images)
    assert shared.one_grid == 1
    assert len(shared.grids) == 1
    assert shared.grids[0].images == 16
    moved = images["s3", "T2w"]
    images["s3", "T2w"] = replace(moved, affine=moved.affine + np.eye(4, k=3) * 5)
    apart = made(images)
    assert apart.one_grid == pytest.approx(7 / 8)
    assert len(apart.grids) == 2
    assert {(a.subject, a.one_grid) for a in apart.agreements if a.subject in ("s2", "s3")} == {
        ("s2", True),
        ("s3", False),
    }


def test_every_measure_of_agreement_falls_when_an_image_is_moved() -> None:
    """By two voxels: 6 mm."""
    first, second = brain("a", "T1w"), brain("a", "T2w")
    moved = replace(second, data=np.roll(second.data, 2, axis=0))
    on, off = (made({("a", "T1w"): first, ("a", "T2w"): i}).agreements[0] for i in (second, moved))
    for name in ("NMI", "boundaries", "dice"):
        assert getattr(off, name) < getattr(on, name) - 0.01, name
    assert on.NCC is not None
    assert off.NCC is not None
    assert abs(on.NCC) > abs(off.NCC)


def test_affines_that_undo_a_shift_are_believed() -> None:
    first, second = brain("a", "T1w"), brain("a", "T2w")
    affine = second.affine.copy()
    affine[:3, 3] -= 2 * affine[:3, 0]
    undone = Image(np.roll(second.data, 2, axis=0), affine)
    on, still = (made({("a", "T1w"): first, ("a", "T2w"): i}).agreements[0] for i in (second, undone))
    assert not still.one_grid
    assert still.boundaries == pytest.approx(on.boundaries, abs=0.03)


def test_bounds_of_mutual_information_and_boundaries() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 60, 60, 60)).astype(np.float32)
    all_of_it = np.ones(x.shape, bool)
    assert normalised_mutual_information(x, x) == pytest.approx(2)
    assert normalised_mutual_information(x, -3 * x) == pytest.approx(2, abs=0.05)
    assert normalised_mutual_information(x, y) == pytest.approx(1, abs=0.01)
    assert boundary_agreement(x, -3 * x, all_of_it) == pytest.approx(1, abs=1e-3)
    assert boundary_agreement(x, y, all_of_it) == pytest.approx(1 / 3, abs=0.02)


def test_images_that_share_no_space_have_no_numbers() -> None:
    second = brain("a", "T2w")
    far = replace(second, affine=second.affine + np.eye(4, k=3) * 500)
    pair = made({("a", "T1w"): brain("a", "T1w"), ("a", "T2w"): far}).agreements[0]
    assert pair.boundaries is pair.NMI is pair.NCC is pair.dice is None


def test_labels_have_ids_and_no_intensities() -> None:
    labels = Image(np.where(BALL, 3, 0).astype(np.int16), centred(SHAPE, 1.0), Quantity.LABEL)
    found = made({("a", "T1w"): brain("a", "T1w"), ("a", "dseg"): labels})
    one = next(i for i in found.images if i.contrast == "dseg")
    assert one.labels == (0, 3)
    assert one.intensities is None
    assert found.agreements == ()


def test_NaN_and_constant_images_are_flagged_if_a_reader_lets_them_through() -> None:
    image = brain("a", "T1w")
    holes = image.data.copy()
    holes[20, 20, 15:20] = np.nan
    scan = Scan(Path("a"), "a", None, "T1w")
    facts = measure(scan, replace(image, data=holes), BALL)
    assert facts.not_finite == 5
    assert facts.intensities is not None
    assert np.isfinite(facts.intensities.mean)
    flat = measure(scan, replace(image, data=np.full(SHAPE, 7.0)), BALL)
    assert flat.constant
    assert flat.intensities is None


def test_the_same_data_give_the_same_bytes_and_come_back_from_JSON(tmp_path: Path) -> None:
    found = made(eight())
    write_fingerprint(found, tmp_path / "a.json")
    write_fingerprint(made(eight()), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert read_fingerprint(tmp_path / "a.json") == found


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"format": "spinloom fingerprint 1", "images": 3}', "\x00\x01"])
def test_what_is_no_fingerprint_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError):
        read_fingerprint(tmp_path / "x.json")


def test_one_bad_scan_stops_no_other(tmp_path: Path) -> None:
    from spinloom.io import write_image

    for n in range(3):
        write_image(brain(f"s{n}", "T1w"), tmp_path / f"sub-{n}_T1w.nii.gz")
    (tmp_path / "sub-1_T1w.nii.gz").write_bytes(b"no image at all")
    found = fingerprint(find_scans(tmp_path).scans)
    assert found.subjects == 2
    assert [Path(file).name for file, _ in found.faults] == ["sub-1_T1w.nii.gz"]


def test_the_command_writes_both_files_and_then_says_what_it_could_not_measure(tmp_path: Path) -> None:
    from spinloom.cli.explore import fingerprint as command
    from spinloom.io import write_image

    scans = tmp_path / "scans"
    for n in range(2):
        write_image(brain(f"s{n}", "T1w"), scans / f"sub-{n}_T1w.nii.gz")
    (scans / "sub-1_T1w.nii.gz").write_bytes(b"no image at all")
    with pytest.raises(PartialFailure, match="not measured: 1 scan;"):
        command(scans, tmp_path / "f.json", tmp_path / "f.html")
    assert len(read_fingerprint(tmp_path / "f.json").faults) == 1
    assert "sub-1_T1w.nii.gz" in (tmp_path / "f.html").read_text()


def test_nothing_that_can_be_measured_is_refused() -> None:
    def broken(scan: Scan) -> Image:
        raise InputError("is broken")

    with pytest.raises(InputError, match="is broken"):
        fingerprint([Scan(Path("a"), "a", None, "T1w")], read=broken)


def test_outliers_are_named_worst_first_and_ordinary_images_are_not() -> None:
    images = eight()
    assert outliers(made(images)) == ()
    images["s1", "T1w"] = brain("s1", "T1w", gain=40.0)
    images["s4", "T2w"] = brain("s4", "T2w", noise=80.0)
    images["s6", "T2w"] = replace(images["s6", "T2w"], data=np.roll(images["s6", "T2w"].data, 4, axis=1))
    spoiled = images["s7", "T1w"].data.copy()
    spoiled[:, :, 17] = (spoiled[:, :, 16] + spoiled[:, :, 18]) / 2
    images["s7", "T1w"] = replace(images["s7", "T1w"], data=spoiled)
    found = outliers(made(images))
    assert found[0].subject == "s7"
    assert "slice 17" in found[0].what
    assert {o.subject for o in found} == {"s1", "s4", "s6", "s7"}
    assert {o.contrast for o in found if o.subject == "s6"} == {"T1w and T2w"}
    assert any("mean" in o.what for o in found if o.subject == "s1")
    assert any("noise" in o.what for o in found if o.subject == "s4")
    assert [o.score for o in found] == sorted((o.score for o in found), reverse=True)


def test_an_image_that_points_elsewhere_is_an_outlier() -> None:
    images = eight()
    flipped = images["s2", "T1w"].affine @ np.diag([-1.0, 1, 1, 1])
    images["s2", "T1w"] = replace(images["s2", "T1w"], affine=flipped)
    assert any("orientation LAS, most are RAS" in o.what for o in outliers(made(images)))


def test_the_page_shows_outliers_first_and_asks_nothing_of_the_network() -> None:
    images = eight()
    images["s5", "T1w"] = brain("s5", "T1w", gain=40.0)
    images["s0", "dseg"] = Image(BALL.astype(np.uint8), centred(SHAPE, (3.0, 3.0, 4.0)), Quantity.LABEL)
    images["s1", "CT"] = Image(np.where(BALL, 40.0, -1000.0) + TEXTURE, centred(SHAPE, (3.0, 3.0, 4.0)), Quantity.HU)
    looks = Looks()
    page = explore_page(made(images, looks), looks.all)
    html = render(page)
    assert page.sections[0].title == "What stands out"
    middle = next(s for s in page.sections if s.anchor == "middle")
    assert middle.parts[-1].pictures[0][0].startswith("s5: ")  # type: ignore[union-attr]
    assert len(middle.parts[-1].pictures) == len(images)  # type: ignore[union-attr]
    assert "http://" not in html
    assert "https://" not in html


def test_pictures_keep_the_proportions_of_the_world() -> None:
    """40 x 44 x 36 voxels of 3 x 3 x 4 mm: the ball is 96 x 105.6 x 115.2 mm; 6 mm of margin on every side."""
    import io

    from PIL import Image as Pillow

    looks = Looks()
    made({("a", "T1w"): brain("a", "T1w")}, looks)
    wide, high = Pillow.open(io.BytesIO(looks.all[0].axial[0].image)).size
    extent = [np.ptp(np.nonzero(BALL)[a]) + 1 for a in (0, 1)]
    assert wide / high == pytest.approx((3 * extent[0] + 12) / (3 * extent[1] + 12), rel=0.03)


def test_profiles_sum_to_the_volume_of_the_subject() -> None:
    looks = Looks()
    found = made({("a", "T1w"): brain("a", "T1w")}, looks)
    for profile, step in zip(looks.all[0].profiles, (3.0, 3.0, 4.0), strict=True):
        assert profile.area_cm2.sum() * step / 10 == pytest.approx(found.images[0].mask_cm3, rel=1e-3)


def test_the_two_slices_known_to_be_made_up_are_found_in_real_scans(shared_data: Path) -> None:
    """One slice of each series was absent and filled with the mean of its neighbours: 34 of T2w, 114 of T1w."""
    folder = shared_data / "healthy_t1_t2_head"
    if not folder.is_dir():
        pytest.skip("healthy_t1_t2_head is not here")
    found = fingerprint(find_scans(folder).scans)
    odd = {(i.contrast, o.axis, o.index) for i in found.images for o in i.odd_slices}
    assert odd == {("T1w", 2, 114), ("T2w", 2, 34)}


def test_registered_real_contrasts_agree_and_share_one_grid(shared_data: Path) -> None:
    folder = shared_data / "stroke_brain_1mm"
    if not folder.is_dir():
        pytest.skip("stroke_brain_1mm is not here")
    found = fingerprint(find_scans(folder).scans)
    assert found.one_grid == 1
    assert all(a.boundaries is not None and a.boundaries > 0.7 for a in found.agreements)
