"""The search itself: weights move against the slope that pairs of changed weights show (evolution strategies).

Each pair plays one world with a random change of all weights and with its opposite; half the difference of the two
objectives, times the change, is an estimate of the slope, noisy and unbiased up to smoothing (Salimans et al.,
"Evolution Strategies as a Scalable Alternative to Reinforcement Learning", 2017; mirrored samples: Brockhoff et al.,
"Mirrored Sampling and Sequential Selection for Evolution Strategies", PPSN 2010). Nothing has to be credited to single
decisions, so that what is good for the fleet alone, such as a task that gives way, is found like anything else. Slopes
are averaged by Adam (Kingma and Ba, 2015), weights over the search (Polyak and Juditsky, 1992).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from agents.evolution.settings import Settings

_SPREAD_MEMORY = 0.9  # of what the differences' deviation was in the generations before
_LEAST = 1e-8


@dataclass
class Search:
    """Where a search is; all that is needed to go on."""

    weights: np.ndarray  # (weights,)
    mean: np.ndarray  # (weights,) of those of the generations so far, later ones counting more
    slope: np.ndarray  # (weights,) running mean
    square: np.ndarray  # (weights,) of its squares
    generation: int = 0
    spreads: dict[str, float] = field(default_factory=dict)  # of differences in dollars, by scenario

    @classmethod
    def start(cls, count: int) -> "Search":
        """At weights of 0, which is the rule itself."""
        return cls(*(np.zeros(count) for _ in range(4)))

    def changes(self, seed: int, place: int, pairs: int) -> np.ndarray:
        """The generation's changes in the scenario at `place`, (pairs, weights), in deviations."""
        generator = np.random.default_rng([seed, self.generation, place])
        return generator.standard_normal((pairs, len(self.weights)))

    def move(
        self, slopes: Mapping[str, np.ndarray], weights: Mapping[str, float], settings: Settings, progress: float
    ) -> None:
        """Go on to the next generation.

        Args:
            slopes: of each scenario (weights,), see `slope_of`.
            weights: how much each counts.
            settings: how far to go.
            progress: share of the search that is over.
        """
        self.generation += 1
        total = settings.decay * self.weights
        for name, slope in slopes.items():
            total = total + weights[name] * slope
        self.slope = settings.momentum * self.slope + (1.0 - settings.momentum) * total
        self.square = settings.memory * self.square + (1.0 - settings.memory) * total**2
        slope = self.slope / (1.0 - settings.momentum**self.generation)
        size = np.sqrt(self.square / (1.0 - settings.memory**self.generation))
        rate = settings.learning_rate + min(progress, 1.0) * (settings.final_learning_rate - settings.learning_rate)
        self.weights = self.weights - rate * slope / (size + _LEAST)
        self.mean = settings.averaging * self.mean + (1.0 - settings.averaging) * self.weights

    def slope_of(self, name: str, differences: np.ndarray, changes: np.ndarray, deviation: float) -> np.ndarray:
        """The slope (weights,) that a scenario's pairs show, in deviations of its differences: dollars are unlike.

        Args:
            name: of the scenario.
            differences: (pairs,) half of what the objective is more with a change than against it.
            changes: (pairs, weights), in deviations.
            deviation: of a weight's change.
        """
        spread = float(np.sqrt((differences**2).mean())) + _LEAST
        before = self.spreads.get(name, spread)
        self.spreads[name] = _SPREAD_MEMORY * before + (1.0 - _SPREAD_MEMORY) * spread
        return (differences[:, None] * changes).mean(axis=0) / (self.spreads[name] * deviation)
