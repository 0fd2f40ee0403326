"""The same anatomy in another magnet: tissues keep what is individual about them and take the field's values."""

from __future__ import annotations

from dataclasses import replace

from spinloom.core.errors import InputError, SpinloomError
from spinloom.phantom.fractions import maps_from_fractions
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.tissue_table import tissue_table
from spinloom.phantom.tissues import Tissue, TissueTable


def at_field(phantom: Phantom, B0: float) -> Phantom:
    """A phantom made of tissues, as it is at another field.

        T(B0) = T(B) T_lit(B0) / T_lit(B)          for T1, T2 and T2prime of every tissue

    T_lit the literature's value (tissue_table), B the field of the phantom: a subject whose T1 of grey matter is 4 %
    above the mean at one field is so at the other. PD, fractions, texture and labels are the same arrays; dB0 grows
    with the field; a measured B1 map is kept.

    phantom  with fractions, a tissue table and a known field
    B0       [T], 0.05 to 7

    Raises InputError for a phantom that is maps alone, or of tissues that the literature's table does not name.
    """
    if phantom.fractions is None or phantom.tissues is None or phantom.B0 is None:
        raise InputError(
            f"phantom '{phantom.name}' is not made of tissues of a known field, so nothing says what it is at {B0:g} T",
            remedy="Make it from labels or tissue fractions.",
        )
    if phantom.B0 == B0:
        return phantom
    try:
        before = tissue_table(phantom.B0, [t.name for t in phantom.tissues])
    except SpinloomError as error:
        raise InputError(
            f"phantom '{phantom.name}': {error.fault}, so its values at {B0:g} T are not known",
            remedy="Take `head`, or a label map of tissues that `spinloom list tissues` names.",
        ) from error
    after = tissue_table(B0, [t.name for t in phantom.tissues])
    moved = tuple(_moved(own, a, b) for own, a, b in zip(phantom.tissues, before, after, strict=True))
    tissues = TissueTable(moved, B0, phantom.tissues.source)
    maps = maps_from_fractions(phantom.fractions, tissues, phantom.texture)
    dB0 = None if phantom.dB0 is None else (phantom.dB0 * (B0 / phantom.B0)).astype(phantom.dB0.dtype)
    return replace(phantom, tissues=tissues, T1=maps.T1, T2=maps.T2, T2prime=maps.T2prime, dB0=dB0, B0=B0)


def _moved(own: Tissue, before: Tissue, after: Tissue) -> Tissue:
    T1 = own.T1 * _ratio(after.T1, before.T1)
    T2 = min(own.T2 * _ratio(after.T2, before.T2), T1)
    return replace(own, T1=T1, T2=T2, T2prime=own.T2prime * _ratio(after.T2prime, before.T2prime))


def _ratio(after: float, before: float) -> float:
    if after == before:
        return 1.0  # also infinite or zero at both
    return after / before if 0 < before < float("inf") else 1.0
