"""What a named protocol says about itself: the parameters a closed form, a sidecar or a report needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """Parameters every protocol has. Final protocols add their own (see spinloom.sequence.protocols).

    TE         (effective) echo time [s]
    TR         repetition time [s]
    FA         excitation flip angle [rad]
    bandwidth  of one image pixel along the readout [Hz]
    n_averages averages of the whole k-space
    slice_thickness  of a slice [m]; None where no slice is selected (3D)
    """

    TE: float
    TR: float
    FA: float
    bandwidth: float
    n_averages: int = 1
    slice_thickness: float | None = None

    @property
    def name(self) -> str:
        """The name under which `spinloom list protocols` shows it, e.g. "turbo_spin_echo"."""
        import re

        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
