"""How far a set of predictions is from its references as a user's own network sees them: FID, KID and their like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.evaluation.distributions import SUBSET, frechet_distance, kernel_of_subsets
from spinloom.evaluation.encoder import Encoder, distances_of, features_of, slices_of
from spinloom.evaluation.pair import Pair

NAN = float("nan")


@dataclass(frozen=True)
class Number:
    """A distance of two sets: NaN where it has no value, and then `note` says why."""

    name: str
    value: float
    note: str = ""


@dataclass(frozen=True)
class Encoded:
    """What one encoder says of a set of cases.

    key, encoder, sha256  of the encoder;  slices  of each side, of all cases together
    numbers  of the set;  paired, cases  name and value of the distance of a case's slices from their own references
    """

    key: str
    encoder: str
    sha256: str
    slices: int
    numbers: tuple[Number, ...]
    paired: str
    cases: Mapping[str, float]


def encoded(pairs: Iterable[Pair], encoder: Encoder) -> Encoded:
    """Of all slices of all pairs together; of each case where the encoder knows a distance slice by slice."""
    ours, theirs = [], []
    cases: dict[str, float] = {}
    for pair in pairs:
        x, y = slices_of(pair)
        ours.append(features_of(x, encoder))
        theirs.append(features_of(y, encoder))
        if encoder.paired:
            cases[pair.name] = float(distances_of(x, y, encoder).mean())
    d = int(encoder.network.num_features)
    a, b = (np.concatenate(rows) if rows else np.zeros((0, d)) for rows in (ours, theirs))
    numbers = [_frechet(a, b, encoder.frechet), *_kernel(a, b, encoder.kernel)]
    if encoder.paired:
        mean = float(np.mean(list(cases.values()))) if cases else NAN
        numbers.append(Number(encoder.paired, mean, "mean over cases"))
    return Encoded(encoder.key, encoder.name, encoder.sha256, len(a), tuple(numbers), encoder.paired, cases)


def _frechet(a: np.ndarray, b: np.ndarray, name: str) -> Number:
    """With as many slices as give a covariance of full rank, or NaN."""
    try:
        found = frechet_distance(a, b, least=a.shape[1] + 1)
    except InputError as error:
        return Number(name, NAN, error.fault)
    return Number(name, found, f"falls with the number of slices ({len(a)}): compare at the same number only")


def _kernel(a: np.ndarray, b: np.ndarray, name: str) -> tuple[Number, ...]:
    try:
        mean, sd, subsets = kernel_of_subsets(a, b)
    except InputError as error:
        return (Number(name, NAN, error.fault),)
    if subsets == 1:
        return (Number(name, mean, f"no bias; all {len(a)} slices at once"),)
    said = f"no bias; {subsets} subsets of {SUBSET} slices"
    return Number(name, mean, said), Number(f"{name}: SD over subsets", sd, said)
