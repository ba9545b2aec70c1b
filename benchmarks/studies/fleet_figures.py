"""What each figure of the observation is worth to the trained fleet: its weights set to 0, on development worlds.

A figure whose weights are 0, those of its products and in the choice of pools too, stands at its mean. What others
could have learned in its place, had it never been there, is not counted: a figure that matters little here may be left
out, one that matters much may have a stand-in.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from agents.evolution.playing import Player
from agents.worlds import before_reports, development_seed
from benchmarks.common import Report, run_kept
from benchmarks.studies.fleet import mean_of, text_of
from tessera_env.policies.folder import read_card, read_weights
from tessera_env.policies.pretrained import pretrained_folder
from tessera_env.policies.shifting.choice import Turn
from tessera_env.policies.shifting.figures import NAMES, SINGLE_NAMES
from tessera_env.policies.shifting.placing import CONTEXTS
from tessera_env.policies.shifting.policy import Shifts
from tessera_env.scenario.loading import load_scenario

KEPT = Path("runs/fleet_figures.json")
POLICY = "pretrained/fleet"
SCENARIOS = ("fleet", "fleet-mixed")
WORLDS, QUICK_WORLDS, ROWS = 200, 4, 128
CONSTANTS, POOLS = "all figures: constant shifts alone", "terms of pools: the cheapest is taken"

NOTE = """\
Objective without it minus objective with it, $, {worlds} development worlds of each preset (recorded hours before 700),
paired, [95 % bootstrap interval]; * clear of 0; above 0 it pays. Sorted by `{first}`."""


def shipped() -> Shifts:
    """The shipped policy's weights."""
    folder = pretrained_folder(POLICY)
    return Shifts.of_tensors(read_weights(folder, read_card(folder).sha256))


def without(shifts: Shifts, name: str) -> Shifts:
    """The same without a figure, or without what CONSTANTS and POOLS say."""
    turns, pools = shifts.turns.copy(), shifts.pools.copy()
    if name == CONSTANTS:
        turns[:, :, :-1] = 0.0
    elif name == POOLS:
        pools[:] = 0.0
    elif name in SINGLE_NAMES:
        turns[:, :, [k for k, figure in enumerate(NAMES) if name in figure.split(" x ")]] = 0.0
        pools[:, :, [1 + k for k, context in enumerate(CONTEXTS) if name == context]] = 0.0
    else:
        turns[:, Turn[name.upper()], :] = 0.0
    return replace(shifts, turns=turns, pools=pools)


def objectives(player: Player, shifts: Shifts, worlds: int) -> np.ndarray:
    """In dollars, (worlds,)."""
    sets = replace(shifts, turns=np.repeat(shifts.turns, worlds, 0), pools=np.repeat(shifts.pools, worlds, 0))
    return player.objectives(sets, np.arange(worlds), development_seed())[0]


def measure(quick: bool) -> Report:
    """Play without each."""
    worlds, shifts = QUICK_WORLDS if quick else WORLDS, shipped()
    dropped = [CONSTANTS, POOLS, *(turn.name.lower() for turn in Turn), *SINGLE_NAMES]
    cells: dict[str, list[tuple[float, str]]] = {name: [] for name in dropped}
    for scenario in SCENARIOS:
        player = Player(before_reports(load_scenario(scenario)), min(ROWS, worlds))
        whole = objectives(player, shifts, worlds)
        for name in dropped:
            lost = objectives(player, without(shifts, name), worlds) - whole
            cells[name].append((lost.mean(), text_of(mean_of(lost, np.arange(worlds)), is_difference=True)))
    order = sorted(dropped, key=lambda name: -cells[name][0][0])
    rows = tuple((name, *(text for _, text in cells[name])) for name in order)
    note = NOTE.format(worlds=worlds, first=SCENARIOS[0])
    return Report("What each figure and each turn is worth to the trained fleet", note, ("without", *SCENARIOS), rows)


if __name__ == "__main__":
    run_kept(measure, __doc__, KEPT)
