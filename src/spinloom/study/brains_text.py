"""What the page of new digital brains says in words."""

from __future__ import annotations

ASKED = (
    """{trained} of {all} whole-head label maps, each bent into others by the phantom module's deformations, teach
small networks what heads look like, as fractions of eleven tissue classes; {held} maps are never shown. Are generated
heads like people never seen, and are they new? Two rows need no network: training maps bent anew (what `phantom` could
make of these maps already), and held-out maps compared with each other, which is as near as people are.""",
    """Every model is a cascade: a base makes the head on coarse voxels, finer networks halve them, each in a few
steps of flow from the enlarged fractions. Families differ in the base alone and share the finer networks. A first
design, a base on 4 mm and two finer networks, was given as much time and filled outlines with mush (seen, not scored
here): most of anatomy has to be settled where it is cheap. Only fractions are generated. T1, T2 and PD are drawn from
the literature's table with a person's variation and a smooth texture, so that T2 <= T1, T2* <= T2 and PD <= 1.2 hold
by construction, and another field strength needs no training.""",
)
AMOUNTS = "and how far these are from held-out maps' (mean over the classes shown)."
CONTACT = """Contact: total variation between tables of who touches whom, 0 is alike. Pieces (Betti number 0) and
{holes} (Betti number 1) are counted with voxels joined by faces; brain: grey, white, deep and ventricles together."""
NEAREST = """Nearest: share of the head's places with another class than in the nearest thing the base network was
trained on (as it is or mirrored). Copies: nearer than any held-out map. FD, KD: Frechet and kernel distance in
spinloom-features-1 of T1w scans, columns scaled by held-out maps; precision and recall with 3 neighbours. FD falls with
the number of slices, and is not given for fewer than 96: compare rows of the same n only."""
LIMITS = (
    """What is generated lies near {trained} people and their deformations, however many heads are made, and
{held} held-out maps are few, too: their means are uncertain by what one unusual person does.""",
    """The label maps lump tissues, and eleven classes lump more: eyes, optic nerves and mucosa with vessels, choroid
plexus with ventricles, cerebellum with the brain. Fat and muscle within soft tissue are patches of noise. Detail finer
than the base's voxels is what the finer networks find likely, not what a person has.""",
    """Noise and islands in the label maps (marrow in bone, vessels in CSF) are learned, too. There are no lesions, no
flow and no teeth. The encoder has no learned weights and was not made for label maps: its distances compare rows of
this page and nothing else.""",
    """Whole heads are the harder part: cortex is rough and in pieces, and few heads teach the base; the tables say how
far that is from people. The models that come with the package were trained for half an hour at most.""",
    "For research, teaching and testing. A generated head says nothing about any patient.",
)
