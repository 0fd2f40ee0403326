"""Recipes: what is written is what is read, every fault is named by file and key, every field is explained."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinloom.core.errors import InputError, UsageError
from spinloom.dataset.draw import CUT, Choice, Fixed, Normal, Uniform, draw, extremes, parse, plain
from spinloom.dataset.fields import Recipe
from spinloom.dataset.plan import validate
from spinloom.dataset.recipe import config_hash, describe, from_plain, read_recipe, to_plain, to_toml
from spinloom.dataset.recipe_corners import corners
from spinloom.dataset.recipe_files import content_hash
from spinloom.dataset.scan import arguments

RULES = [
    (2300, Fixed(2300)),
    ([256, 240], Fixed((256, 240))),
    ({"uniform": [1, 2.5]}, Uniform(1.0, 2.5)),
    ({"normal": {"mean": 9, "sd": 1}}, Normal(9.0, 1.0)),
    ({"choice": ["ms", "none"]}, Choice(("ms", "none"))),
]


@pytest.mark.parametrize(("text", "rule"), RULES)
def test_a_rule_survives_being_written(text: object, rule: object) -> None:
    assert parse(text) == rule
    assert parse(plain(rule)) == rule  # type: ignore[arg-type]


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.integers(0, 2**31))
def test_draws_stay_within_their_extremes(low: float, width: float, seed: int) -> None:
    for rule in (Uniform(low, low + width), Normal(low, width), Choice((low, low + width))):
        value = draw(rule, np.random.default_rng(seed))
        assert min(extremes(rule)) - 1e-9 <= value <= max(extremes(rule)) + 1e-9


def test_a_normal_draw_has_its_mean_and_sd() -> None:
    rng = np.random.default_rng(0)
    values = np.array([draw(Normal(9.0, 2.0), rng) for _ in range(4000)])
    # a Gaussian cut at 3 sd keeps 98.7 % of its SD: sd sqrt(1 - 2 CUT phi(CUT) / (2 Phi(CUT) - 1))
    cut = np.sqrt(1 - 2 * CUT * np.exp(-(CUT**2) / 2) / np.sqrt(2 * np.pi) / 0.9973002)
    assert abs(values.mean() - 9) < 4 * 2 / np.sqrt(4000)
    assert abs(values.std() / (2 * cut) - 1) < 4 / np.sqrt(2 * 4000)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ({"sead": 1}, r"unknown key 'sead'. Did you mean 'seed'\?"),
        ({"scanner": {"b0": 3}}, r"unknown key 'scanner.b0'. Did you mean 'B0'\?"),
        ({"protocol": [{"use": "t1w", "sufix": "T1w"}]}, r"unknown key 'protocol.0.sufix'. Did you mean 'suffix'\?"),
        ({"scanner": {"B0": 30}}, "scanner.B0: takes 0.04 to 7.5, got 30"),
        ({"scanner": {"B0": {"uniform": [1, 30]}}}, "scanner.B0: takes 0.04 to 7.5, got 30"),
        ({"scanner": {"B0": {"unifrm": [1, 2]}}}, r"no way of drawing called 'unifrm'. Did you mean 'uniform'\?"),
        ({"scanner": {"B0": "3 T"}}, "scanner.B0: takes a number, got '3 T'"),
        ({"scanner": {"noise": {"normal": {"mean": 1, "sd": -1}}}}, "sd >= 0"),
        ({"subjects": 0}, "subjects: input should be greater than or equal to 1"),
        ({"subjects": "three"}, "subjects: input should be a valid integer"),
        ({"phantom": {"kind": "hed"}}, "phantom.kind: input should be 'head'"),
        ({"phantom": {"kind": "labels"}}, "needs files"),
        ({"phantom": {"files": ["a.nii"]}}, "files and labels belong to other kinds"),
        ({"phantom": {"lesions": "stroke"}}, "one of none, ms, tumour"),
        ({"protocol": [{"suffix": "T1w"}]}, "needs either use .* or file"),
        ({"protocol": [{"file": "a.seq"}]}, 'needs method = "bloch"'),
        ({"protocol": [{"use": "t1w"}, {"use": "t1w"}]}, "both be called T1w; give one an acq label"),
        ({"protocol": [{"use": "t1w", "acq": "../../etc"}]}, "protocol.0.acq"),
        ({"protocol": [{"use": "t1w", "suffix": "bold"}]}, "protocol.0.suffix"),
        ({"protocol": []}, "protocol: tuple should have at least 1 item"),
        ({"split": {"train": 0, "val": 0, "test": 0}}, "at least one share"),
        ({"split": {"train": 0.9, "val": 0.9, "test": 0.9}}, "sum to 2.7, and shares are parts of 1"),
        ({"split": {"train": 1}}, "train 1, val 0.15 and test 0.15 sum to 1.3.*say all three"),
        ({"output": {"layout": "zarr"}}, "output.layout: input should be 'bids'"),
    ],
)
def test_every_fault_is_named_by_its_key(text: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        from_plain(text)


def test_faults_of_a_file_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("sead = 1")
    with pytest.raises(UsageError, match=r"mine.toml: unknown key 'sead'"):
        read_recipe(file)
    file.write_text("seed = = 1")
    with pytest.raises(InputError, match=r"mine.toml: is not TOML.*line 1"):
        read_recipe(file)
    with pytest.raises(InputError, match="no such file"):
        read_recipe(tmp_path / "other.toml")


def test_the_resolved_recipe_reads_back_the_same(tmp_path: Path) -> None:
    recipe = from_plain(
        {
            "seed": 7,
            "scanner": {"B0": {"choice": [1.5, 3.0]}, "noise": {"uniform": [0.5, 2]}},
            "protocol": [{"use": "t1w", "acq": "fast", "parameters": {"TR_ms": 2300, "FA_deg": {"uniform": [7, 11]}}}],
        }
    )
    file = tmp_path / "recipe.toml"
    file.write_text(to_toml(recipe))
    assert read_recipe(file) == recipe
    assert config_hash(read_recipe(file)) == config_hash(recipe)


def test_the_command_line_lies_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('seed = 1\n[phantom]\nkind = "labels"\nfiles = ["a.nii.gz", "b.nii.gz"]\n')
    recipe = read_recipe(file, seed=5, layout="nnunet")
    assert (recipe.seed, recipe.output.layout) == (5, "nnunet")
    assert recipe.subjects == 2  # one per file where nothing else is said
    assert recipe.phantom.files == (str(tmp_path / "a.nii.gz"), str(tmp_path / "b.nii.gz"))
    assert read_recipe(file, subjects=9).subjects == 9
    assert read_recipe() == Recipe()


def test_the_hash_follows_the_content_of_input_files(tmp_path: Path) -> None:
    labels = tmp_path / "a.nii.gz"
    labels.write_bytes(b"one")
    recipe = from_plain({"subjects": 1, "phantom": {"kind": "labels", "files": [str(labels)]}})
    before = config_hash(recipe)
    labels.write_bytes(b"two")
    assert config_hash(recipe) != before


def test_every_field_is_explained() -> None:
    rows = {row["key"]: row for row in describe()}
    for key in ("seed", "phantom.kind", "scanner.B0", "protocol[].parameters", "output.layout", "split.test"):
        assert key in rows
    assert rows["scanner.B0"]["unit"] == "T"
    assert rows["scanner.B0"]["default"] == "3.0"
    assert rows["output.kspace"]["type"] == "none | npz | mrd"
    assert all(row["text"] and row["type"] for row in rows.values())


def test_the_default_has_three_subjects_with_four_contrasts_at_3_T() -> None:
    recipe = to_plain(read_recipe())
    assert recipe["subjects"] == 3
    assert [p["suffix"] for p in recipe["protocol"]] == ["T1w", "T2w", "FLAIR", "PDw"]
    assert recipe["scanner"]["B0"] == 3.0
    assert recipe["scanner"]["noise"] > 0


def test_every_recipe_of_the_documentation_is_valid() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        recipe = from_plain(tomllib.loads(block))
        for section in recipe.protocol:
            if section.use:
                arguments(section, {name: extremes(rule)[0] for name, rule in section.parameters.items()})


def test_of_a_folder_of_maps_only_what_is_read_decides_the_hash(tmp_path: Path) -> None:
    """Maps and their JSON files count; another image, a folder below and a pipe do not, nor are they opened."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for name in ("sub-1_T1map.nii", "sub-1_T2map.nii"):
        (folder / name).write_bytes(name.encode())
    before = content_hash(folder)
    (folder / "below").mkdir()
    (folder / "below" / "sub-1_T1map.nii").write_bytes(b"other")
    (folder / "sub-1_T1w.nii").write_bytes(b"an image")
    os.mkfifo(folder / "README")
    assert content_hash(folder) == before
    (folder / "sub-1_T1map.json").write_text('{"Units": "ms"}')
    told = content_hash(folder)
    (folder / "sub-1_T2map.nii").write_bytes(b"changed")
    assert len({before, told, content_hash(folder)}) == 3
    os.mkfifo(folder / "sub-1_PDmap.nii")
    with pytest.raises(InputError, match="not a regular file"):
        content_hash(folder)


@pytest.mark.parametrize(
    ("kind", "fault"), [("maps", "no quantitative maps"), ("labels", "is a folder"), ("file", "is a folder")]
)
def test_a_folder_stands_for_maps_and_for_nothing_else(tmp_path: Path, kind: str, fault: str) -> None:
    recipe = from_plain({"phantom": {"kind": kind, "files": [str(tmp_path)]}})
    with pytest.raises(InputError, match=fault):
        validate(recipe)


def test_few_combinations_are_all_tried_and_of_many_each_value() -> None:
    few = {"TE": parse({"uniform": [1, 2]}), "TR": parse({"choice": [3, 4, 5]}), "FA": parse(90)}
    assert corners(few) == [{"TE": te, "TR": tr, "FA": 90} for te in (1.0, 2.0) for tr in (3, 4, 5)]
    many = {**few, "TI": parse({"normal": {"mean": 10, "sd": 1}})}
    tried = corners(many)
    assert {name: {values[name] for values in tried} for name in many} == {
        "TE": {1.0, 2.0},
        "TR": {3, 4, 5},
        "FA": {90},
        "TI": {10 - CUT, 10 + CUT},
    }
    assert len(tried) == 1 + 1 + 2 + 1  # all at their first, then one by one
