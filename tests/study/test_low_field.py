"""Ultra-low field: the scanner's k-space, the scores, one transform for all, and the study on a folder made here."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("SimpleITK")
import torch
from low_field_fake import person, write_scans
from scipy.io import savemat
from scipy.ndimage import affine_transform, binary_erosion, gaussian_filter

import spinloom.study.low_field as low_field
import spinloom.study.low_field_run as low_field_run
import spinloom.study.low_field_units as low_field_units
from spinloom.cli.main import app
from spinloom.core.errors import InputError, SpinloomError, UsageError
from spinloom.jobs.serial import Serial
from spinloom.study.low_field import FILTERS, INPUT, MODEL, case_of
from spinloom.study.low_field_data import subjects_in
from spinloom.study.low_field_examples import LowField, Person, through
from spinloom.study.low_field_noise import noise_of
from spinloom.study.low_field_outer import RAMP, deep, depth, kept_outside, smooth
from spinloom.study.low_field_scan import SCANS, SIZE, T1W, T2W, acquired, images_of, shown, window
from spinloom.study.low_field_scores import RIM, matched, on_input, scores, structure, third_factor
from spinloom.study.low_field_train import learned, plan_of
from spinloom.study.write import write_study


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [person("round"), person("folded", 11)]


@pytest.fixture(scope="module")
def folder(people: list[Person], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scans(tmp_path_factory.mktemp("scans"), people[:1])


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_simulated_scans_are_reconstructed_as_real_ones_are() -> None:
    """Training sees |E^H K E*|; the study's own images are the Fourier sum of spinloom.reconstruction."""
    K = np.random.default_rng(0).normal(size=(2, *T2W.matrix, 2)).view(complex)[..., 0].transpose(1, 2, 0)
    ours = shown(torch.from_numpy(K[..., 1].copy())).numpy().T[::-1]
    theirs = images_of(K)[..., 1]
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 1 - 1e-6
    assert np.std(theirs / ours) / np.mean(theirs / ours) < 1e-3


def test_a_point_comes_back_where_it_was() -> None:
    image = torch.zeros(SIZE, SIZE)
    image[100, 90] = 1.0
    back = shown(acquired(image, T1W, 0.0, rng()))
    assert divmod(int(back.argmax()), SIZE) == (100, 90)


def test_k_space_noise_has_the_windows_variance() -> None:
    """Of two scans of one image the difference has the variance 2 (noise |K(0)| w)^2."""
    image = torch.ones(SIZE, SIZE)
    scans = [acquired(image, T2W, 0.01, rng(s)).numpy() for s in range(40)]
    spread = np.mean([np.abs(a - b) ** 2 for a, b in zip(scans[::2], scans[1::2], strict=True)], 0)
    middle = abs(acquired(image, T2W, 0.0, rng())[T2W.matrix[0] // 2, T2W.matrix[1] // 2])
    expected = 2 * (0.01 * float(middle) * window(T2W)) ** 2
    assert np.mean(spread / expected) == pytest.approx(1, abs=0.02)


def test_blur_and_veil_take_nothing_from_the_sum() -> None:
    """K(0) is the image's sum, whatever it is spread by; a point's peak falls."""
    image = torch.zeros(SIZE, SIZE)
    image[128, 128] = 1.0
    plain, spread = (acquired(image, T2W, 0.0, rng(), *how) for how in ((0.0, 0.0), (1.0, 0.5)))
    middle = (T2W.matrix[0] // 2, T2W.matrix[1] // 2)
    assert abs(complex(spread[middle])) == pytest.approx(abs(complex(plain[middle])))
    assert float(shown(spread).max()) < 0.8 * float(shown(plain).max())


def test_window_is_one_in_the_middle_of_k_space() -> None:
    for scan in SCANS:
        assert window(scan)[scan.matrix[0] // 2, scan.matrix[1] // 2] == pytest.approx(1)


def test_slice_profile_is_the_sinc_of_ten_millimetres() -> None:
    """Zero at 10 mm, one in the middle, nothing from 20 mm on."""
    z = torch.tensor([0.0, 10.0, -10.0, 20.0, 25.0])
    assert through(z).tolist() == pytest.approx([1, 0, 0, 0, 0], abs=1e-6)


def test_measured_noise_sees_a_lopsided_window() -> None:
    """right over left is that of the window, rms over the outer ring."""
    n = np.random.default_rng(1).normal(size=(2, *T2W.matrix))
    K = (n[0] + 1j * n[1]) * window(T2W)
    K[T2W.matrix[0] // 2, T2W.matrix[1] // 2] = 3000  # a head's middle, so that there is something to find
    disc = np.hypot(*np.meshgrid(*(np.linspace(-1, 1, SIZE),) * 2)) < 0.5
    K = K + acquired(torch.from_numpy(200.0 * disc), T2W, 0.0, rng()).numpy()
    q = np.meshgrid(*((np.arange(m) - m // 2) / (m / 2) for m in T2W.matrix), indexing="ij")
    outer = (np.hypot(*q) > 0.8) & (np.abs(q[0]) > 0.15) & (np.abs(q[1]) > 0.15)
    right, left = (np.sqrt((window(T2W)[outer & side] ** 2).mean()) for side in (q[1] > 0, q[1] < 0))
    assert noise_of(K)[1] == pytest.approx(right / left, rel=0.3)
    assert noise_of(K)[1] < 0.8


# --- scores ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    y = random.normal(size=(40, 44)).cumsum(0).cumsum(1)
    y = (y - y.min()) / np.ptp(y)
    mask = np.zeros(y.shape, bool)
    mask[8:-8, 8:-8] = True
    return y + 0.05 * random.normal(size=y.shape), y, mask


def windows(x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(n, 3) s_xy, s_x, s_y over the pixels of 7 x 7 that lie in the mask, one row per pixel of it."""
    found = []
    for i, j in zip(*np.nonzero(mask), strict=True):
        at = (slice(i - 3, i + 4), slice(j - 3, j + 4))
        u, v = x[at][mask[at]], y[at][mask[at]]
        found.append((np.mean((u - u.mean()) * (v - v.mean())), u.std(), v.std()))
    return np.array(found)


def test_structure_is_the_formula_window_by_window(pair: tuple[np.ndarray, ...]) -> None:
    """r = sum s_xy / sqrt(sum s_x^2 sum s_y^2)."""
    xy, x, y = windows(*pair).T
    assert structure(*pair) == pytest.approx(xy.sum() / np.sqrt((x**2).sum() * (y**2).sum()), rel=1e-9)


def test_third_factor_is_the_formula_window_by_window(pair: tuple[np.ndarray, ...]) -> None:
    """s = (s_xy + c) / (s_x s_y + c), c = (0.03 R)^2 / 2."""
    xy, x, y = windows(*pair).T
    c = (0.03 * 1.0) ** 2 / 2
    assert third_factor(pair[0], pair[1], 1.0, pair[2]) == pytest.approx(np.mean((xy + c) / (x * y + c)), rel=1e-9)


def test_structure_of_same_flat_and_negative(pair: tuple[np.ndarray, ...]) -> None:
    """1, 0 and -1. The third factor takes the flat one for perfect, so it is not what is called structure here."""
    _, y, mask = pair
    flat = np.full(y.shape, 0.3)
    found = [structure(v, y, mask) for v in (y, flat, 1 - y)]
    assert found == pytest.approx([1, 0, -1], abs=1e-6)
    assert third_factor(flat, y, 1.0, mask) == pytest.approx(1)


def test_matching_is_the_least_squares_line(pair: tuple[np.ndarray, ...]) -> None:
    x, y, mask = pair
    a, b = np.polyfit(x[mask], y[mask], 1)
    np.testing.assert_allclose(matched(x, y, mask), a * x + b, rtol=1e-9)


def test_a_negative_is_not_turned_round(pair: tuple[np.ndarray, ...]) -> None:
    x, y, mask = pair
    np.testing.assert_allclose(matched(-x, y, mask)[mask], y[mask].mean())


def test_scores_do_not_depend_on_gain_and_offset(pair: tuple[np.ndarray, ...]) -> None:
    x, y, mask = pair
    assert scores(3 * x + 7, y, mask) == pytest.approx(scores(x, y, mask))


def test_the_truth_scores_one(pair: tuple[np.ndarray, ...]) -> None:
    _, y, mask = pair
    assert list(scores(y, y, mask).values()) == pytest.approx([1, 1, 1, 1])


def test_deep_in_the_head_the_answer_is_the_networks_and_at_its_edge_the_smoothed_input() -> None:
    """Between the two it is neither. What is deep: 15 erosions leave it."""
    random = np.random.default_rng(0)
    low = np.zeros((128, 128, 2), np.float32)
    low[20:108, 24:104] = random.uniform(1, 2, (88, 80, 2))
    answer = smooth(5 + random.normal(size=low.shape) * low).astype(np.float32)
    made, under = kept_outside(answer, low), depth(low)
    inside = np.stack([binary_erosion(low[..., z] > 0, iterations=15) for z in range(2)], -1)
    assert np.array_equal(deep(low), inside)
    assert np.array_equal(made[inside], answer[inside])
    for z in range(2):
        rim = (under[..., z] > RIM + 1) & (under[..., z] <= 16 - RAMP)
        a, b = np.polyfit(smooth(low)[..., z][rim], made[..., z][rim], 1)
        np.testing.assert_allclose(made[..., z][rim], a * smooth(low)[..., z][rim] + b, rtol=1e-4)
        assert np.abs(made - answer)[..., z][under[..., z] == 15].max() > 1e-3
    assert np.abs(made[:10]).max() == 0


def test_what_stays_of_the_input_is_as_bright_as_the_answer() -> None:
    """An answer that is a x + b of the smoothed input comes back as it is, but for its end outside the head."""
    low = np.zeros((128, 128, 1), np.float32)
    low[20:108, 24:104] = np.random.default_rng(1).uniform(1, 2, (88, 80, 1))
    answer = 3 * smooth(low) + 1
    under = depth(low)
    np.testing.assert_allclose(kept_outside(answer, low)[under > RIM], answer[under > RIM], rtol=1e-5)


def test_registration_finds_a_known_affine(people: list[Person]) -> None:
    """The moved image is the truth again, and A the transform it was made with."""
    made = [LowField(people, T2W, (128, 128)).scanned(people[0].head, p, rng(3)) for p in people[0].planes[:4]]
    still = torch.stack([m.high for m in made], -1).numpy()
    angle, size = np.deg2rad(4), 1.3
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    back = np.linalg.inv(turn)
    middle = np.array([127.5, 127.5])
    shift = np.array([170.0, 160.0]) - turn @ middle
    moved = np.stack(
        [
            affine_transform(p, back, offset=-back @ shift, output_shape=(340, 330), order=1)
            for p in still.transpose(2, 0, 1)
        ],
        -1,
    )
    found, A = on_input(moved, still)
    corners = np.array([[60, 60, 1], [190, 60, 1], [128, 200, 1]]).T
    off = A @ corners - (np.c_[turn, shift] @ corners)
    assert np.abs(off).max() < size  # one pixel of what stays
    assert np.corrcoef(found.ravel(), still.ravel())[0, 1] > 0.98


def test_input_and_answer_are_scored_against_the_same_slices(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that changes nothing scores exactly what the input scores, and any filter gets the same reference."""
    monkeypatch.setattr(low_field, "enhanced", lambda low, scan, model: low.copy())
    monkeypatch.setattr(low_field, "kept_outside", lambda answer, low: answer)
    case = case_of(subjects_in(folder, SCANS)[0], T2W, None)  # type: ignore[arg-type]
    assert case.scores[MODEL] == case.scores[INPUT]
    assert set(FILTERS) < set(case.scores)
    assert case.mean(INPUT, "structure") > 0.05
    assert not (case.deep & ~case.head).any()


# --- simulated pairs -------------------------------------------------------------------------------------------------


def test_samples_are_the_seeds_alone(people: list[Person]) -> None:
    examples = LowField(people, T1W, (64, 64))
    one, same, other = (examples.draw(2, rng(s)) for s in (1, 1, 2))
    assert torch.equal(one.source, same.source)
    assert not torch.equal(one.source, other.source)
    assert one.source.shape == one.target.shape == one.mask.shape == (2, 1, 64, 64)


def test_source_and_target_show_the_same_head_at_one_place(people: list[Person]) -> None:
    """Moved by some pixels, the two would be less alike."""
    for scan in SCANS:
        source, target, _ = LowField(people[:1], scan, (64, 64)).whole(people[0], people[0].planes[4], rng(4))
        edges = [np.hypot(*np.gradient(gaussian_filter(v.numpy(), 2.0))) for v in (source, target)]
        alike = {d: np.corrcoef(edges[0].ravel(), np.roll(edges[1], d, 0).ravel())[0, 1] for d in (-6, 0, 6)}
        assert max(alike, key=lambda d: alike[d]) == 0


# --- the study -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(people: list[Person], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Reduced: two small networks of a few steps; their runs by contrast."""
    made = {s.contrast: tmp_path_factory.mktemp("models") / s.contrast for s in SCANS}
    for scan in SCANS:
        plan = plan_of(scan, steps=2, seconds=60, seed=0, channels=(4, 8), bf16=False)
        learned(scan, plan, people[:1], people[1:], made[scan.contrast], about={})
    return {contrast: str(folder) for contrast, folder in made.items()}


def test_study_of_scans_made_here(
    folder: Path, people: list[Person], trained: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the page says is in results.json; neither names a place of this machine."""
    monkeypatch.setattr(low_field_run, "SIMULATED", 4)
    monkeypatch.setattr(low_field_units, "people_of", lambda told: people)
    page, results = low_field_run.run(
        folder, trained, {"heads": 2, "labels": [], "seed": 0}, tmp_path / "out", Serial(), command="made here",
        say=lambda what: None,
    )  # fmt: skip
    write_study(page, results, tmp_path / "out")
    text = (tmp_path / "out" / "page.md").read_text()
    kept = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [c["contrast"] for c in kept["cases"]] == ["T1w", "T2w"] * len(subjects_in(folder, SCANS))
    assert "subjA (tuned on)" in text
    assert "simulated, 50 %" in text
    assert str(tmp_path) not in text + json.dumps(kept)
    scores = kept["cases"][0]["scores"]
    assert f"{np.mean(scores[INPUT]['deep']['SSIM']):.3f} → {np.mean(scores[MODEL]['deep']['SSIM']):.3f}" in text


def test_command_takes_models_that_were_trained(folder: Path, trained: dict[str, str], tmp_path: Path) -> None:
    words = ["study", "low-field", str(folder), "-o", str(tmp_path / "out")]
    for run in trained.values():
        words += ["--model", run]
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "report.html").exists()
    assert "subjA T1w" in result.output


def test_two_models_of_a_contrast_are_refused(trained: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="two models of T1w"):
        low_field_run.models_of([trained["T1w"]] * 2)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    """A copy of one subject, to be damaged."""
    own = tmp_path / "scans" / "subjA"
    own.mkdir(parents=True)
    for file in (folder / "subjA").iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    return own


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        subjects_in(folder, SCANS)
    return str(caught.value)


def test_missing_k_space_is_named(broken: Path) -> None:
    (broken / "lf_T2w_FSE_kspace.mat").unlink()
    assert "lf_T2w_FSE_kspace.mat: no such file" in refused(broken.parent)


def test_k_space_of_another_shape_is_refused(broken: Path) -> None:
    savemat(broken / "lf_T1w_GRE_kspace.mat", {"kspace": np.ones((128, 126, 4), complex)})
    assert "128 x 126 x 4; T1w has 128 x 196" in refused(broken.parent)


def test_slices_that_do_not_pair_are_refused(broken: Path) -> None:
    savemat(broken / "lf_T1w_GRE_kspace.mat", {"kspace": np.ones((*T1W.matrix, 3), complex)})
    assert "4 slices of T1w at 3 T, the k-space 3" in refused(broken.parent)


@pytest.mark.parametrize(
    "content", [b"not MATLAB", b"MATLAB 5.0 MAT-file" + bytes(200), b"\x89HDF\r\n\x1a\n" + bytes(600)]
)
def test_files_that_are_no_matlab_are_refused(broken: Path, content: bytes) -> None:
    (broken / "lf_T1w_GRE_kspace.mat").write_bytes(content)
    assert "lf_T1w_GRE_kspace.mat" in refused(broken.parent)


def test_real_numbers_are_no_k_space(broken: Path) -> None:
    savemat(broken / "lf_T1w_GRE_kspace.mat", {"kspace": np.ones((*T1W.matrix, 4))})
    assert "no finite complex k-space" in refused(broken.parent)


def test_another_variable_is_no_k_space(broken: Path) -> None:
    savemat(broken / "lf_T1w_GRE_kspace.mat", {"image": np.ones((*T1W.matrix, 4), complex)})
    assert "no variable 'kspace'" in refused(broken.parent)


def test_pickles_are_never_opened(broken: Path) -> None:
    np.savez(broken / "images.npz", hf_T1w=np.array([{"a": 1}], dtype=object))
    assert "no archive of plain arrays" in refused(broken.parent)
    (broken / "images.npz").write_bytes(pickle.dumps({"hf_T1w": 1}))
    assert "no archive of plain arrays" in refused(broken.parent)


def test_contrast_that_is_missing_is_named(broken: Path) -> None:
    np.savez(broken / "images.npz", hf_T1w=np.ones((300, 300, 4), np.uint16))
    assert "no T2w at 3 T (it has hf_T1w)" in refused(broken.parent)


def test_folder_without_subjects_is_refused(tmp_path: Path) -> None:
    assert "no subject" in refused(tmp_path)
    assert "is no folder" in refused(tmp_path / "nowhere")


def test_training_from_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["study", "low-field", str(folder), "-o", str(tmp_path), "--train"])
    assert isinstance(result.exception, SpinloomError) or result.exit_code == 2
