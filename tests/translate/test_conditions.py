"""Acquisitions: what they may be, how a network is told of them, which lie outside."""

import json
import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra `learn`")

from spinloom.core.errors import InputError, UsageError
from spinloom.phantom.tissue_table import tissue_table
from spinloom.simulation.acquisition import FAMILIES, Acquisition, signal_of
from spinloom.translate.card import card_of
from spinloom.translate.conditions import Conditions, encoded, outside
from spinloom.translate.plan import Plan, plan_of

DEG = math.pi / 180
GRE = Acquisition("GRE", TR=9e-3, TE=3e-3, FA=9 * DEG, B0=1.5)
TSE = Acquisition("SE", TR=4.0, TE=90e-3)
FLAIR = Acquisition("IR", TR=9.0, TE=0.1, TI=2.5)
MPRAGE = Acquisition("MPRAGE", TR=2.3, TE=3e-3, TI=0.95, FA=9 * DEG)
ANY = {"contrast": "any"}


def test_the_first_nine_numbers_are_family_logarithms_of_TR_and_TE_TI_FA_and_log_B0():
    assert encoded(GRE)[:9] == pytest.approx(
        (1, 0, 0, 0, math.log(9e-3) / 2, math.log(3 / 20) / 2, 0, 9 / 45, math.log(1.5))
    )
    assert encoded(FLAIR)[:9] == pytest.approx(
        (0, 0, 0, 1, math.log(9.0) / 2, math.log(5) / 2, 2.5, 2.0, math.log(3.0))
    )


def test_the_last_four_are_signals_of_the_tissue_table_over_the_brightest_of_the_brain():
    S = []
    for t in tissue_table(3.0, ["white_matter", "grey_matter", "csf", "fat"]):
        recovered = 1 - 2 * math.exp(-(4.0 - 45e-3) / t.T1) + math.exp(-4.0 / t.T1)
        S.append(t.PD * recovered * math.exp(-90e-3 / t.T2))
    brightest = max(S[:3])
    assert encoded(TSE)[9:] == pytest.approx((*(s / brightest for s in S[:3]), S[3] / brightest / 2), rel=1e-4)


def test_every_family_has_its_closed_form():
    T1, T2 = np.array([0.8, 4.0]), np.array([0.08, 2.0])
    E1 = np.exp(-9e-3 / T1)
    ernst = math.sin(9 * DEG) * (1 - E1) / (1 - E1 * math.cos(9 * DEG)) * np.exp(-3e-3 / T2)
    np.testing.assert_allclose(signal_of(GRE)(T1, T2), ernst)
    inverted = np.abs(1 - 2 * np.exp(-2.5 / T1) + np.exp(-9 / T1)) * np.exp(-0.1 / T2)
    np.testing.assert_allclose(signal_of(FLAIR)(T1, T2), inverted)
    white, csf = signal_of(MPRAGE)(T1, T2)
    assert white > 2 * csf


def test_FA_of_spin_echoes_is_left_out_for_scanners_write_the_refocusing_there():
    assert Acquisition("SE", TR=4.0, TE=0.09, FA=120 * DEG) == TSE


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"family": "EPI", "TR": 1.0, "TE": 0.1}, "no sequence family 'EPI'"),
        ({"family": "GRE", "TR": 1.0, "TE": 0.01}, "GRE needs FA"),
        ({"family": "SE", "TR": 4000.0, "TE": 0.09}, "TR of 4000s"),
        ({"family": "SE", "TR": math.nan, "TE": 0.09}, "TR of nan"),
        ({"family": "IR", "TR": 2.0, "TE": 0.1, "TI": 2.5}, "do not fit into TR"),
        ({"family": "SE", "TR": 2.0, "TE": 0.1, "B0": 30.0}, "B0 of 30T"),
    ],
)
def test_impossible_acquisitions_are_refused(told, why):
    with pytest.raises(UsageError, match=why):
        Acquisition(**told)


def test_what_lies_outside_the_ranges_is_named_with_them():
    known = Conditions()
    assert not any(outside(known, a, "source") for a in (TSE, FLAIR, MPRAGE, GRE))
    (said,) = outside(known, Acquisition("SE", TR=4.0, TE=0.4), "target")
    assert said.startswith("target: TE=400ms of SE, trained with ")
    (said,) = outside(known, Acquisition("SE", TR=4.0, TE=0.09, B0=7.0), "source")
    assert said == "source: B0=7T, trained with 0.5T to 3T"
    only = Conditions(protocols=known.protocols[:1])
    assert outside(only, TSE, "target") == ["target: no SE was trained with"]


def test_conditions_in_a_plan_are_read_back_and_faults_are_named():
    plan = plan_of({"source": [ANY], "target": [ANY], "conditions": {}})
    assert plan_of(json.loads(plan.to_json())) == plan
    assert plan.conditions == Conditions()
    assert {p.family for p in Conditions().protocols} == set(FAMILIES)
    for wrong, why in (
        ({"conditions": {"protocols": [{"family": "GRE", "TR": [0.01, 0.02], "TE": [0.001, 0.002]}]}}, "GRE needs FA"),
        ({"conditions": {"protocols": [{"family": "SE", "TR": [3, 2], "TE": [0.01, 0.02]}]}}, "TR: 3 is above 2"),
        ({"conditions": {"protocols": [{"family": "SE", "TR": [2, 3], "TE": [4, 5]}]}}, "never fit into TR"),
        ({"conditions": {"B0": [30.0]}}, "B0"),
        ({"conditions": {}, "family": "flow"}, "family regression"),
        ({"conditions": {}, "source": [ANY, ANY]}, "one signal to one signal"),
        ({"conditions": {}, "network": {"reversible": True}}, "not reversible"),
    ):
        with pytest.raises(InputError, match=why):
            plan_of({"source": [ANY], "target": [ANY], **wrong})


def test_a_plan_without_conditions_is_read_as_it_was():
    assert plan_of({"source": [{"contrast": "T1w"}], "target": [{"contrast": "T2w"}]}).conditions is None


def test_the_card_says_what_was_trained_with():
    from spinloom.translate.build import build
    from spinloom.translate.model import Model

    plan = plan_of(
        {
            "source": [ANY], "target": [ANY], "conditions": {},
            "network": {"slices": 1, "channels": [8, 8], "patch": [16, 16]},
        }
    )  # fmt: skip
    text = card_of(Model(plan, build(plan), {}))
    assert "- B0 0.5, 1, 1.5, 3 T" in text
    assert "- GRE: TR 6ms to 60ms, TE 1.5ms to 8ms, FA 3deg to 40deg" in text
    assert "--source-protocol" in text


def test_models_are_told_acquisitions_if_and_only_if_they_can_hear_them():
    from spinloom.translate.translate import require_told

    plan = plan_of({"source": [ANY], "target": [ANY], "conditions": {}})
    plain: Plan = plan_of({"source": [{"contrast": "T1w"}], "target": [{"contrast": "T2w"}]})
    require_told(plan, "x", (GRE, TSE))
    require_told(plain, "x", None)
    with pytest.raises(UsageError, match="must be told both acquisitions"):
        require_told(plan, "x", None)
    with pytest.raises(UsageError, match="makes T2w of T1w, whatever the protocol"):
        require_told(plain, "x", (GRE, TSE))
