"""The card of a learned scanner's weights: Markdown from what their file says of itself."""

from __future__ import annotations

from spinloom.simulation.learned_network import Network


def card_of(network: Network) -> str:
    """What it was taught on, how it did on lessons held out, where it ends."""
    about = network.about
    held = about.get("held out", {})
    taught = (
        f"Taught by {about.get('lessons', '?')} random sequences and random tissues, simulated by `Bloch()`; "
        f"{about.get('steps', '?')} steps, seed {about.get('seed', '?')}. No measured data, no anatomy."
    )
    lines = [
        "# Learned scanner",
        "",
        f"{network.weights:,} weights, SHA-256 `{network.sha256 or 'not written'}`.",
        "For research, teaching and testing. Not for diagnosis.",
        "",
        taught,
        "",
        "## Lessons held out",
        "",
        "| family | lessons | median error | mean | largest | first guess, mean |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {h['lessons']} | " + " | ".join(f"{100 * h[k]:.2f} %" for k in SHOWN) + " |"
            for name, h in held.items()
        ),
        "",
        "## Ranges",
        "",
        *(f"- {name}: {low:.3g} to {high:.3g}" for name, (low, high) in about.get("ranges", {}).items()),
        "",
        "What lies beyond is simulated with a warning.",
        "",
        "    spinloom simulate head spin_echo --method learned -o out.nii.gz",
        "",
    ]
    return "\n".join(lines)


SHOWN = ("median", "mean", "largest", "first guess")
