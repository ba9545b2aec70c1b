"""The scenario itself: its fields, that they fit together, and what it replays."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import model_validator

from tessera_env.files.problems import shown
from tessera_env.scenario.checks import problems_of
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.model import ScenarioFields
from tessera_env.scenario.recorded import Recordings, recordings_of


class Scenario(ScenarioFields):
    """All that defines a world but the seed.

    What it replays is no field of it, and no part of its JSON, of its equality or of its hash; copies and pickles
    carry it along.
    """

    @property
    def recordings(self) -> Recordings:
        """What it replays, read and checked once, at the first use: `load_scenario` hands out no scenario without.

        Raises:
            TraceError: a trace cannot be used or does not fit.
            WorkloadError: the workload file cannot be used or does not fit.
        """
        return self._recordings

    @cached_property
    def _recordings(self) -> Recordings:  # the underscore keeps it out of dict(scenario)
        return recordings_of(self)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if problems := problems_of(self):
            raise ValueError("\n".join(problems))
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that says the same; what it would say instead, nothing would check.

        Raises:
            ScenarioError: something is to be updated.
        """
        if update:
            raise ScenarioError(
                "update: must not be given, because nothing would check it; load_scenario(scenario, **changes) does "
                f"(got {shown(dict(update))})"
            )
        return super().model_copy(deep=deep)
