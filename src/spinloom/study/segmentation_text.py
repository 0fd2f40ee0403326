"""What the page says in words of its data, its design and its limits."""

from __future__ import annotations

from spinloom.study.segmentation import Ran, Sources
from spinloom.study.segmentation_scans import SYNTHETIC_WORDS, TARGET_SHADING, TARGET_SNR, TARGET_WORDS, THICK


def data_text(ran: Ran, sources: Sources) -> list[str]:
    """Where both domains come from."""
    mm = ran.design.voxel_mm
    made = len([f for of in ran.synthetic.values() for f in of])
    if sources.target:
        scans = len([f for of in ran.target.values() for f in of])
        first = (
            f"Target domain: {scans} scans of {len(ran.target)} people with label maps, read in voxels of {mm:g} mm "
            "in-plane; slices stay as thick as they are. Dice and distances are those on that grid."
        )
    else:
        who = (
            f"{len(ran.target)} label maps of whole heads, each one person"
            if sources.maps
            else f"{len(ran.target)} people bent out of one average head (MNI152): one template, so more alike "
            "than people are"
        )
        first = (
            f"Target domain: simulated, {who}: {TARGET_WORDS}; slices of {mm * THICK:g} mm on a grid of {mm:g} mm, "
            f"shading of {100 * TARGET_SHADING:.0f} % (standard deviation), Rician noise of {60 / TARGET_SNR:.0f} % "
            "of the brightest fat. Each person has own tissue values. The truth is known: the class with the "
            "largest share of a voxel."
        )
    if sources.synthetic:
        second = f"Synthetic set: {made} scans of {len(ran.synthetic)} subjects, given by the user."
    else:
        whose = "other label maps" if sources.maps else "other people out of the same average head"
        second = (
            f"Synthetic set: {made} scans of {whose} ({len(ran.synthetic)} anatomies, each bent smoothly into "
            f"several people): {SYNTHETIC_WORDS}; isotropic voxels of {mm:g} mm, other shading and noise. No "
            "protocol, field, slice thickness or anatomy of it is one of the target domain's."
        )
    return [first, second]


def design_text(ran: Ran) -> list[str]:
    """Trainings, split and metric."""
    d = ran.design
    made = sum(map(len, ran.synthetic.values()))
    out = [made - len(files) for files in ran.learned]
    apart = (
        f" Of the synthetic set {min(out)} to {max(out)} of {made} scans were left out of a repeat, for their person "
        "tests there (known by name, or by equal labels)."
        if any(out)
        else ""
    )
    return [
        (
            f"{d.repeats} repeats. In each, {d.test} people test and the others are trained on, "
            f"{', '.join(map(str, d.sizes))} of them; people test in turn, so that each tests about equally often. The "
            "split is by person: nobody who tests, in no bent or second scan, is trained on. Augmentation (place, "
            "size, mirror image, gamma, gain, shading, noise, stripping to the brain) happens after the split and is "
            f"the same for all.{apart}"
        ),
        (
            f"All networks are one U-Net over axial slices ({' '.join(map(str, d.channels))} channels, cross entropy "
            f"and soft Dice), {d.steps} steps of {d.batch} slices. Within a repeat all begin with the same weights and "
            "draw the same random numbers: the arms differ in their data alone. Mixed: half of every batch from either "
            f"set. Fine-tuned: two thirds of the synthetic training, then {d.tuning} steps on the target domain, so "
            f"that every network has seen {d.steps} steps."
        ),
        (
            f"{len(ran.trained)} trainings, one thread each. A study that is stopped goes on where it was and gives "
            "the same numbers; more repeats or sizes are added to what is there."
        ),
    ]


def limits_text(ran: Ran, sources: Sources) -> list[str]:
    limits = [
        (
            "The networks are small and shortly trained; a longer training, or nnU-Net (--export-nnunet writes the "
            "same arms for it), may move every number. Fewer people may profit more from synthetic scans than this "
            "table says, or less."
        ),
        (
            "A person's repeats are averaged before anything is tested; people are taken as independent. Trainings of "
            "one repeat share their test people, and repeats overlap in the people that are trained on."
        ),
    ]
    if not sources.target:
        limits.append(
            "The target domain is simulated, so that its truth is exact and its people are enough for statistics. "
            "Both domains come from one simulator and one family of label maps: the gap between them is one of "
            "physics, protocol, resolution, noise and anatomy, not of what a simulator leaves out. What holds here "
            "need not hold of a hospital's scans; the same command runs on those (with label maps) and says."
        )
    if ran.cases:
        limits.append(
            "Real scans are a case series. The networks that were trained on the simulated target domain have "
            "never been meant for them; what they say is shown, not scored. Classes follow the label maps: CSF is "
            "what lies inside the skull and is neither grey nor white, and plaques count as white matter."
        )
    return limits
