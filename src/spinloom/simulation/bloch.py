"""Bloch(): isochromats through a sequence, exact between pulses, piecewise constant through them."""

from __future__ import annotations

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.cores import available_cores
from spinloom.core.errors import UsageError, require_positive
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation import kernels, kernels_single
from spinloom.simulation.auto_spins import Spins, enough_spins
from spinloom.simulation.device import CPU, CUDA, Device
from spinloom.simulation.drive import Basis
from spinloom.simulation.driven import driven, pivot
from spinloom.simulation.motion import warn_of_motion
from spinloom.simulation.moving_coils import hearing
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.plan import Plan, plan
from spinloom.simulation.precision import Precision
from spinloom.simulation.spins import Matter, batches, box_edges, matter, shape_factor

GROUPS = 16
BATCH = 4096
PARTIAL_SUMS = 2**29


@dataclass(frozen=True)
class Bloch:
    """The Bloch equations, spin by spin.

        dM/dt = 2 pi M x (b1, G . r + dB0) - (Mx, My, 0)/T2 - (0, 0, Mz - 1)/T1
        S(t)  = sum_v amount_v c(r_v) M+(r_v, t)

    Between pulses the solution is written down, not stepped. Through a pulse B is constant over steps of about
    `rf_step`.

    T2' acts in one of two ways. By default the signal is weighted by exp(-|tau| / T2'), tau the time since the last
    nominal echo (the excitation, or the instant to which refocusing mirrors it): exact for the encoded echo of
    gradient-echo and spin-echo sequences, not for other coherence pathways. With `sample_T2prime` the spins of a voxel
    carry the quantiles of the Lorentzian instead: right for every pathway (bSSFP refocuses), with an error of about
    10 to 20 / spins.

    spins    per voxel: 1, a number n (n evenly spaced places along each axis, a rank-1 lattice), or (nx, ny, nz).
             Gradient spoiling and RF spoiling need many: 64 to 128 along the spoiler. None: as many as change nothing
             beyond the tolerance, see auto_spins.enough_spins
    tolerance  relative L2 at which spins=None has enough
    rf_step  steps of a pulse are merged or split to about this length [s]
    threads  None: one per available core; the result does not depend on it
    device   CPU() or CUDA(), see device.pick
    precision  of the magnetisation on the processor, see Precision; a card has its own

    A phantom's `motion` is followed exactly: gradients, pulses and slices act on places x(t) as they are. Receive coils
    stay where they are, with the pose in the middle of each readout; B1 and dB0 go with the body.

    Bloch, Phys. Rev. 70, 460 (1946); Shkarin & Spencer, Concepts Magn. Reson. 8, 253 (1996).
    """

    spins: int | tuple[int, int, int] | None = 1
    sample_T2prime: bool = False
    rf_step: float = 5e-6
    tolerance: float = 5e-4
    threads: int | None = None
    device: Device = field(default_factory=CPU)
    precision: Precision = Precision.DOUBLE

    def __post_init__(self) -> None:
        counts = self.spins if isinstance(self.spins, tuple) else (1 if self.spins is None else self.spins,)
        if len(counts) not in (1, 3) or any(not isinstance(n, int | np.integer) or n < 1 for n in counts):
            raise UsageError(
                f"Bloch(spins={self.spins!r}) is no number of spins",
                remedy="Give a whole number from 1, or three of them (nx, ny, nz).",
            )
        require_positive("Bloch", tolerance=self.tolerance, rf_step=self.rf_step, threads=self.threads)

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        """Noiseless k-space. The seed changes nothing: no random number is drawn."""
        warn_of_motion(phantom, sequence, scanner, pivot(phantom.motion, phantom, scanner))
        if self.spins is not None:
            return self._of(self.spins, phantom, sequence, scanner, warn=True)

        def pilot(small: Phantom, short: Sequence, spins: Spins) -> NDArray[np.complexfloating]:
            return self._of(spins, small, short, scanner, warn=False).samples

        spins = enough_spins(phantom, sequence, pilot, self.tolerance)
        found = self._of(spins, phantom, sequence, scanner, warn=False)
        told = {**found.info["engine"], "change with more spins, on a few voxels": self.tolerance}  # type: ignore[dict-item]
        return replace(found, info={**found.info, "engine": told})

    def _of(self, spins: Spins, phantom: Phantom, sequence: Sequence, scanner: Scanner, *, warn: bool) -> KSpace:
        stuff = matter(phantom, scanner, spins, sample_T2prime=self.sample_T2prime)
        drive = driven(sequence, phantom, scanner)
        steps = plan(drive, self.rf_step, diffusion=bool(stuff.D.any()))
        if warn:
            warn_of_dephasing(steps, phantom, spins)
        warn_of_long_work(len(stuff.amount) * len(stuff.lattice), steps, scanner, self.threads or available_cores())
        where = trajectory(sequence)
        felt = where if drive.sequence is sequence else trajectory(drive.sequence)
        there = np.arange(where.k.shape[1]) < where.n_samples[:, None]
        centre = pivot(phantom.motion, phantom, scanner)
        listens = hearing(scanner.coils, phantom.motion, centre, where.t, lambda: stuff.places)
        scanner = replace(scanner, coils=listens.coils)
        factor = np.zeros(there.shape, complex)
        factor[there] = steps.demod * shape_factor(phantom, spins, felt.k[there])
        samples = np.zeros((scanner.coils.n_coils, *there.shape), complex)
        samples[:, there] = self._run(steps, stuff, phantom, scanner, drive.basis)
        return KSpace(
            samples=listens.mix(samples) * factor,
            k=where.k,
            t=where.t,
            encoding=sequence.encoding,
            labels=sequence.labels,
            isocentre_mm=isocentre_mm(phantom, scanner),
            info={
                "n_spins": len(stuff.amount) * len(stuff.lattice),
                "spins": spins,
                "engine": {"spins per voxel": len(stuff.lattice), "precision": self.precision.name.lower()},
            },
        )

    def _run(
        self, todo: Plan, stuff: Matter, phantom: Phantom, scanner: Scanner, basis: tuple[Basis, ...]
    ) -> NDArray[np.complex128]:
        """(n_coils, n_outputs): fixed groups of spins, each summed in order, then the groups in order."""
        if isinstance(self.device, CUDA):
            from spinloom.simulation.cuda_bloch import on_card

            if (done := on_card(self.device, todo, stuff, phantom, scanner, basis)) is not None:
                return done
        engine = kernels_single if self.precision is Precision.SINGLE else kernels
        n_coils, n = scanner.coils.n_coils, len(stuff.amount)
        bytes_each = max(1, 16 * n_coils * len(todo.demod))
        full = kernels.TILE // math.gcd(kernels.TILE, len(stuff.lattice))  # entries that fill tiles to the last spin
        tiles = -(-n // full)
        groups = int(min(GROUPS, tiles, max(1, PARTIAL_SUMS // bytes_each)))
        bounds = np.minimum(np.linspace(0, tiles, groups + 1).astype(int) * full, n)

        def work(g: int) -> NDArray[np.float64]:
            out = np.zeros((2, n_coils, len(todo.demod)))
            maps = engine.new_maps(todo.n_maps)
            for batch in batches(stuff, phantom, scanner, int(bounds[g]), int(bounds[g + 1]), BATCH, basis):
                for tile in batch.tiles(kernels.TILE):
                    engine.run_tile(
                        tile.spin.ravel(),
                        tile.R2prime,
                        tile.weight.reshape(n_coils, -1),
                        todo.ops,
                        todo.par,
                        todo.moment,
                        todo.steps,
                        todo.pulses,
                        todo.pulse_f0,
                        todo.samples,
                        maps,
                        out,
                    )
            return out

        total = np.zeros((n_coils, len(todo.demod)), complex)
        with ThreadPoolExecutor(self.threads or available_cores()) as pool:
            for out in pool.map(work, range(groups)):
                total.real += out[0]
                total.imag += out[1]
        return total


def warn_of_long_work(spins: int, todo: Plan, scanner: Scanner, threads: int) -> None:
    """Say beforehand how long a long simulation may take: spins x (samples x coils + 50 events), 2e9 /s on a core."""
    work = spins * (len(todo.demod) * scanner.coils.n_coils + 50.0 * len(todo.ops))
    minutes = work / (2e9 * threads) / 60
    if minutes > 1:
        warnings.warn(
            f"{spins:.2g} spins through {len(todo.demod)} samples: this may take about {minutes:.0f} min on {threads} "
            "cores. PhaseGraph() and Automatic() are faster where they hold",
            stacklevel=4,
        )


def warn_of_dephasing(todo: Plan, phantom: Phantom, spins: int | tuple[int, int, int]) -> None:
    """Say so if gradients between two pulses turn neighbouring spins of the lattice apart by more than 3/4 turn.

    Such spins sample the dephasing of a voxel too coarsely, and signal that a spoiler or crusher should remove stays.
    Points are meant to be points, and are left alone.
    """
    if phantom.voxel is Voxel.POINT:
        return
    between = todo.moment[todo.ops[:, 0] == kernels.RF, :3]
    apart = np.abs(between @ box_edges(phantom, spins)).max(initial=0.0)
    if apart > 0.75:
        warnings.warn(
            f"gradients between two pulses turn neighbouring spins of Bloch(spins={spins}) apart by up to {apart:.1f} "
            "turns: spoiling is incomplete, and signal of other pathways remains. Use more spins per voxel, e.g. "
            "Bloch(spins=64)",
            stacklevel=4,
        )
