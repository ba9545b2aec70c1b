"""The scenario itself: its fields, and that they fit together."""

from typing import Self

from pydantic import model_validator

from tessera_env.scenario.checks import problems_of
from tessera_env.scenario.model import ScenarioFields


class Scenario(ScenarioFields):
    """All that defines a world but the seed."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if problems := problems_of(self):
            raise ValueError("\n".join(problems))
        return self
