"""What is least possible in a world: a row beside the policies', and from whose figure the gap to it is counted."""

from collections.abc import Container
from dataclasses import dataclass, replace


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
# Of worlds with services.
SERVICE_CLAIRVOYANT = replace(
    CLAIRVOYANT,
    metric="objective_usd",  # its cost: else who is below the target would seem to close more than the gap
    reference="on_demand_only",
    meaning="the least cost of who knows the world and is never below the target",
    sentence="Who had known the world could have been at the target all the time for",
)
SERVICE_BOUND = replace(
    BOUND,
    reference="on_demand_only",
    meaning="no policy is cheaper, penalties for time below the target included, as is proven",
    sentence="It is proven that no policy is cheaper, penalties included, than",
)
FLOORS = {floor.label: floor for floor in (CLAIRVOYANT, BOUND)}  # those of services have the same labels and metrics


def floor_of(labels: Container[str], has_services: bool) -> Floor:
    """The floor that is among the labels, of worlds with services or without."""
    optimum, bound = (SERVICE_CLAIRVOYANT, SERVICE_BOUND) if has_services else (CLAIRVOYANT, BOUND)
    return optimum if optimum.label in labels else bound
