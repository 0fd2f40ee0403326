"""SignalEquation(): closed forms per protocol, with the physics of encoding."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spinloom.core.cores import available_cores, own_threads
from spinloom.core.encoding import Encoding
from spinloom.core.errors import UsageError, require_positive
from spinloom.core.kspace import KSpace
from spinloom.core.lines import straight
from spinloom.core.scanner import Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import RFUse
from spinloom.sequence.protocol import Protocol
from spinloom.sequence.sequence import Sequence
from spinloom.sequence.trajectory import trajectory
from spinloom.simulation.columns import Columns, columns, split_layers
from spinloom.simulation.diffusion_left_out import warn_of_diffusion
from spinloom.simulation.encode import Weights, encode
from spinloom.simulation.encode_coils import coil_maps
from spinloom.simulation.encode_exact import encode_exact
from spinloom.simulation.evolution import Spins, dephasing, evolved, in_phase
from spinloom.simulation.low_rank import skeleton
from spinloom.simulation.motion import still
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.readouts import Clocks, Group, States, clocks, groups
from spinloom.simulation.scattered import encode_scattered
from spinloom.simulation.selection import Local, Profile, local, profile, reach, transverse_time

Complex = NDArray[np.complex64]

PIECE = 2**17  # entries worked on at a time
PER_SLICE = 8  # layers of matter across a slice that thick voxels are cut into
MAPS = 2**30  # of coil sensitivities kept from slice to slice [bytes]
SAMPLE = 600  # entries from which the low-rank train is found


@dataclass(frozen=True)
class SignalEquation:
    """Steady-state formulas of the named protocols, encoded sample by sample.

        S(t) = sum_v PD_v V_v c(r_v) F(protocol; T1_v, T2_v, B1_v, echo) exp(-2πi [k(t) . r_v + dB0_v clock(t)])

    What it has: the readouts, k and times of the sequence as they are; T1 and T2 weighting along trains; T2, T2prime
    and dB0 during every readout (distortion, chemical shift, blurring); B1 and slice profile as local flip angles;
    receive coils; partial volume. What it has not, and Bloch() has: the approach to the steady state, imperfect
    spoiling and the duration of pulses.

    tolerance  of the low-rank train, relative to the largest signal, and of the encoding of each spin (see encode)
    exact      True: encode entry by entry and sample by sample, some ten times slower (see encode_exact)
    threads    None: one per available core; never changes the result
    """

    tolerance: float = 1e-4
    exact: bool = False
    threads: int | None = None

    cuts: ClassVar[bool] = True
    """Whether thick voxels are cut into layers."""

    def __post_init__(self) -> None:
        require_positive("SignalEquation", tolerance=self.tolerance, threads=self.threads)

    @property
    def _task(self) -> type[Task]:
        return Task

    def signal(self, phantom: Phantom, sequence: Sequence, scanner: Scanner, seed: int = 0) -> KSpace:
        """Noiseless k-space. The seed changes nothing: nothing is drawn.

        Raises UsageError if the sequence does not say which protocol it is.
        """
        still(phantom, scanner)
        warn_of_diffusion(phantom, sequence, "SignalEquation")
        protocol, encoding = sequence.protocol, sequence.encoding
        if protocol is None or encoding is None:
            raise UsageError(
                f"the sequence '{sequence.name}' does not say which protocol it is, so there is no closed form for it",
                remedy="Use --method bloch, or one of the named protocols.",
            )
        axes = (encoding.readout_axis, encoding.phase_axis, encoding.slice_axis)
        matter = columns(phantom, scanner, axes)
        if not encoding.volume and self.cuts:
            matter = split_layers(matter, layers_across(float(matter.size[2]) / _thickness(protocol, encoding)))
        where, centre = trajectory(sequence), isocentre_mm(phantom, scanner)
        with own_threads(), ThreadPoolExecutor(self.threads or available_cores()) as pool:
            task = self._task(self, phantom, scanner, sequence, protocol, encoding, matter, centre, pool)
            samples = (
                task.cartesian(where.k, where.t) if straight(where.k, axes[0]) else task.scattered(where.k, where.t)
            )
        return KSpace(
            samples=samples,
            k=where.k,
            t=where.t,
            encoding=encoding,
            labels=sequence.labels,
            isocentre_mm=centre,
            info=MappingProxyType(
                {
                    "slice_thickness": protocol.slice_thickness,
                    "relative_error": task.relative_error,
                    "engine": {"error of train and encoding, a spin's largest sample": task.relative_error},
                }
            ),
        )


@dataclass(frozen=True, eq=False)
class Task:
    """One run: everything that does not change between its slices."""

    method: SignalEquation
    phantom: Phantom
    scanner: Scanner
    sequence: Sequence
    protocol: Protocol
    encoding: Encoding
    matter: Columns
    centre_mm: tuple[float, float, float]
    pool: ThreadPoolExecutor
    train_errors: list[float] = field(default_factory=list)

    @property
    def relative_error(self) -> float:
        """Of every spin's samples, by the approximations of the train and of the readout together."""
        return max(self.train_errors, default=0.0) + (0.0 if self.method.exact else self.method.tolerance)

    def cartesian(self, k: NDArray[np.float64], t: NDArray[np.float64]) -> Complex:
        planar = not self.encoding.volume
        axes = (self.encoding.readout_axis, self.encoding.phase_axis, self.encoding.slice_axis)
        labels = dict(self.sequence.labels)
        found, states = groups(k, t, self._clocks(), labels, axes, planar)
        centre, found = self._centre(found), self._alike(found, states)
        samples = np.zeros((self.scanner.coils.n_coils, *k.shape[:2]), np.complex64)
        for s in sorted({g.slice for g in found}):
            layers, spins = self._selected(s)
            first, last = (int(self.matter.slice_starts[b]) for b in layers)
            if first == last:
                continue
            for whole in (g for g in found if g.slice == s):
                used, local = np.unique(whole.state, return_inverse=True)
                group = replace(whole, state=local)
                weights = self._low_rank(states.take(used), spins, slice(first, last), layers, centre)
                for coils, factor in self._coils(slice(first, last)):
                    weighted = Weights(weights.layers, weights.values, weights.mixture, weights.factor * factor)
                    line = self._encode(group, weighted, planar)
                    samples[coils, group.lines, : group.n_samples] = line
        return samples

    def _alike(self, found: tuple[Group, ...], states: States) -> tuple[Group, ...]:
        """The groups, cut further where states of one must not be treated together."""
        return found

    def _encode(self, group: Group, weights: Weights, planar: bool) -> Complex:
        if self.method.exact:
            return encode_exact(self.matter, group, weights, planar=planar, pool=self.pool)
        tolerance = self.method.tolerance
        return encode(self.matter, group, weights, planar=planar, pool=self.pool, tolerance=tolerance)

    def scattered(self, k: NDArray[np.float64], t: NDArray[np.float64]) -> Complex:
        labels, clock = self.sequence.labels, self._clocks()
        nearest = int(np.argmin(np.nanmin(np.sum(k**2, axis=-1), axis=1)))
        centre = int(labels["SEG"][nearest]) if "SEG" in labels else 0
        zero = np.zeros(len(k), np.int64)
        SEG, SLC = labels.get("SEG", zero), zero if self.encoding.volume else labels.get("SLC", zero)
        samples = np.zeros((self.scanner.coils.n_coils, *k.shape[:2]), np.complex64)
        axes = [self.encoding.readout_axis, self.encoding.phase_axis, self.encoding.slice_axis]
        since = np.round(t - clock.excited[:, None], 9)
        _, kind = np.unique(np.column_stack([SLC, SEG, since[:, 0]]), axis=0, return_inverse=True)
        for s in range(int(kind.max()) + 1):
            lines = np.flatnonzero(kind == s)
            layers, spins = self._selected(int(SLC[lines[0]]))
            entries = slice(*(int(self.matter.slice_starts[b]) for b in layers))
            valid = ~np.isnan(since[lines[0]])
            n = int(valid.sum())
            states = States(np.full(n, SEG[lines[0]]), since[lines[0], :n], since[lines[0], :n])
            weights = self._low_rank(states, spins, entries, layers, centre)
            for coils, factor in self._coils(entries):
                weighted = Weights(layers, weights.values, weights.mixture, factor)
                samples[coils, lines, :n] = encode_scattered(
                    self.matter, k[lines, :n][:, :, axes], weighted, planar=not self.encoding.volume
                )
        return samples

    def _clocks(self) -> Clocks:
        clock, refocused = clocks(self.sequence), in_phase(self.protocol)
        return clock if refocused is None else Clocks(clock.excited, clock.excited + refocused)

    def _centre(self, found: tuple[Group, ...]) -> int:
        """SEG of the readout that comes nearest to k = 0."""
        SEG = self.sequence.labels.get("SEG")
        nearest = [(float(np.min(d := _distances(g))), int(g.lines[np.argmin(d)])) for g in found]
        return 0 if SEG is None else int(SEG[min(nearest)[1]])

    def _selected(self, index: int) -> tuple[tuple[int, int], Any]:
        """Layers that a slice reaches, and their spins with local flip angles."""
        m, layers = self.matter, (0, len(self.matter.x[2]))
        if self.encoding.volume:
            return layers, self._spins(slice(0, len(m)), m.B1, m.B1)
        excite, refocus = self._profiles
        z = m.x[2] - self.encoding.slice_offsets[index]
        if excite.selective:
            refocus_FA = float(getattr(self.protocol, "refocus_FA", np.pi))
            distance = reach(excite, refocus, self.protocol.FA, refocus_FA) + float(m.size[2]) / 2
            inside = np.flatnonzero(np.abs(z) <= distance + float(np.abs(m.dB0).max()) / abs(excite.gradient))
            layers = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
        entries = slice(int(m.slice_starts[layers[0]]), int(m.slice_starts[layers[1]]))
        count = np.diff(m.slice_starts[layers[0] : layers[1] + 1])
        at = np.repeat(z[layers[0] : layers[1]], count).astype(np.float32)

        angles = (p.at(m.B1[entries], at, m.dB0[entries], float(m.size[2])) for p in self._local)
        return layers, self._spins(entries, *angles)

    @cached_property
    def _profiles(self) -> tuple[Profile, Profile]:
        """Of excitation and refocusing pulse, the same for every slice."""
        axis, thickness = self.encoding.slice_axis, _thickness(self.protocol, self.encoding)
        excite, refocus = (profile(self.sequence, u, axis, thickness) for u in (RFUse.EXCITATION, RFUse.REFOCUSING))
        return excite, refocus

    @cached_property
    def _local(self) -> tuple[Local, Local]:
        """The same at the transmit fields of the object."""
        axis, thickness = self.encoding.slice_axis, _thickness(self.protocol, self.encoding)
        uses = (RFUse.EXCITATION, RFUse.REFOCUSING)
        excite, refocus = (local(self.sequence, u, axis, thickness, self.matter.B1) for u in uses)
        return excite, refocus

    @cached_property
    def _transverse_time(self) -> float:
        return transverse_time(self.sequence)

    def _spins(self, entries: slice, excite: NDArray[np.float32], refocus: NDArray[np.float32]) -> Spins:
        m = self.matter
        kept = np.exp(np.float32(-self._transverse_time) / m.T2[entries])
        return Spins(m.T1[entries], m.T2[entries], m.T2prime[entries], m.dB0[entries], excite, refocus, kept)

    def _low_rank(self, states: States, spins: Any, entries: slice, layers: tuple[int, int], centre: int) -> Weights:
        one_clock = bool(np.ptp(states.clock) == 0)

        def F(some: Spins, of: States) -> NDArray[np.inexact]:
            magnetisation = evolved(self.protocol, some, of, centre)
            return magnetisation if one_clock else magnetisation * dephasing(of, some)

        found = skeleton(F(spins.take(_sample(spins)), states).T, self.method.tolerance)
        self.train_errors.append(found.error)
        nodes = states.take(found.nodes)
        n = len(spins.T1)
        is_complex = np.iscomplexobj(found.mixture) or np.iscomplexobj(F(spins.take(slice(0, 1)), nodes))
        values = np.empty(((2 if is_complex else 1) * len(nodes), n), np.float32)
        factor = np.ones(n, np.complex64)
        amount = self.matter.amount[entries]

        def piece(first: int) -> None:
            part = slice(first, min(first + PIECE, n))
            some = spins.take(part)
            signal = F(some, nodes) * amount[part]
            values[: len(nodes), part] = signal.real
            if is_complex:
                values[len(nodes) :, part] = signal.imag
            if one_clock and states.clock[0] != 0:
                factor[part] = dephasing(nodes.take(np.array([0])), some)[0]

        list(self.pool.map(piece, range(0, n, PIECE)))
        mixture = np.asarray(found.mixture, complex)
        return Weights(layers, values, np.concatenate([mixture, 1j * mixture]) if is_complex else mixture, factor)

    def _coils(self, entries: slice) -> list[tuple[slice, Complex]]:
        """Receive sensitivities at the entries, coil by coil; a uniform coil is worked out once for all channels."""
        coils = self.scanner.coils
        if isinstance(coils, UniformCoil):
            return [(slice(0, coils.n_coils), np.ones(entries.stop - entries.start, np.complex64))]
        whole = coils.n_coils * len(self.matter) * 8 <= MAPS
        maps = self._maps[:, entries] if whole else self._maps_at(self.matter.voxel[entries])
        return [(slice(c, c + 1), maps[c]) for c in range(coils.n_coils)]

    @cached_property
    def _maps(self) -> Complex:
        return self._maps_at(self.matter.voxel)

    def _maps_at(self, voxel: NDArray[np.int64]) -> Complex:
        where, coils = self.phantom.grid, self.scanner.coils
        return coil_maps(where, self.centre_mm, coils, voxel, tolerance=self.method.tolerance, pool=self.pool)


def layers_across(coarse: float) -> int:
    """Into how many layers a voxel is cut that is `coarse` times as thick as the slice."""
    return 1 if coarse <= 1 / 3 else int(np.ceil(PER_SLICE * coarse))


def _sample(spins: Spins) -> NDArray[np.intp]:
    """Entries spread evenly through the object, and those where each property is smallest and largest."""
    n = len(spins.T1)
    properties = (spins.T1, spins.T2, spins.T2prime, spins.dB0, spins.excite, spins.refocus)
    ends = [int(i) for p in properties for i in (np.argmin(p), np.argmax(p))]
    return np.unique(np.concatenate([np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.intp), ends]))


def _distances(group: Group) -> NDArray[np.float64]:
    """(n_lines,) smallest |k|² of each line [1/m²]."""
    along = np.abs(group.k0 + group.dk * np.arange(group.n_samples)).min()
    return np.asarray(group.k1**2 + group.k2**2 + along**2)


def _thickness(protocol: Protocol, encoding: Encoding) -> float:
    return protocol.slice_thickness or float(encoding.grid.voxel_mm[encoding.slice_axis]) * 1e-3
