"""What is least possible in a world: a row beside the policies', and from whose figure the gap to it is counted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """A figure of every world that no policy comes below; no policy itself."""

    label: str  # of its row
    kind: str  # in a word
    metric: str  # what it is the least of
    reference: str  # the policy from whose mean figure to the floor's the gap is that policies close
    meaning: str  # as a caption has it
    sentence: str  # before the mean dollars

    @property
    def figure(self) -> str:
        """The metric in a word."""
        return self.metric.removesuffix("_usd")


CLAIRVOYANT = Floor(
    label="clairvoyant",
    kind="optimum",
    metric="cost_usd",
    reference="uniform_progress",
    meaning="the least cost of who knows the world",
    sentence="Who had known the world could have paid",
)
BOUND = Floor(
    label="bound",
    kind="bound",
    metric="objective_usd",
    reference="greedy",
    meaning="no policy's objective is less, as is proven",
    sentence="It is proven that no policy's objective is less than",
)
FLOORS = {floor.label: floor for floor in (CLAIRVOYANT, BOUND)}
