"""The settings of a search, from `evolution.toml`, validated; each value's meaning stands beside it there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agents.hyperparameters import NO_OPTIONS, refusal, settings_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

FILE = Path(__file__).with_name("evolution.toml")
SHORT = "short"  # the section of a search of some minutes
SERVICES = "services"  # that of all scenarios of services

Positive = Annotated[float, Field(gt=0.0)]
Pairs = Annotated[int, Field(ge=2, le=100_000)]


class Counting(BaseModel):
    """Worlds that count, too."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    pairs: Pairs
    weight: Positive


class Beside(Counting):
    """Those of another scenario: the one of its name, or the one that is named, with changes."""

    scenario: str = ""
    changes: dict[str, JsonValue] = {}

    def load(self, name: str) -> Scenario:
        """The scenario; raises as `load_scenario`."""
        return load_scenario(self.scenario or name, **self.changes)


def with_likes(beside: dict[str, Any]) -> dict[str, Any]:
    """The same with the changes of the one that each is `like` in front of its own.

    Raises:
        ValueError: there is none of that name; one line.
    """
    found = {}
    for name, one in beside.items():
        own = dict(one)
        if like := own.pop("like", ""):
            if like not in found:
                raise ValueError(f"beside: {name}: like: {like!r} (allowed: one that stands before it)")
            own["changes"] = {**found[like].get("changes", {}), **own.get("changes", {})}
        found[name] = own
    return found


class Drawn(Counting):
    """Those of fleets of `fleet-train`; the pairs are each one's."""

    fleets: Annotated[int, Field(ge=1, le=10_000)]


class Settings(BaseModel):
    """One search's settings; the meanings are the comments of `evolution.toml`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    total_steps: Annotated[int, Field(ge=1, le=10**12)]
    pairs: Pairs
    beside: dict[str, Beside]
    drawn: Drawn | None = None
    start: str = ""
    deviation: Positive
    learning_rate: Positive
    final_learning_rate: Positive
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)]
    memory: Annotated[float, Field(ge=0.0, lt=1.0)]
    decay: Annotated[float, Field(ge=0.0)]
    averaging: Annotated[float, Field(ge=0.0, lt=1.0)]
    rows: Annotated[int, Field(ge=1, le=65_536)]
    evaluate_every: Annotated[int, Field(ge=1, le=1_000_000)]
    evaluation_worlds: Annotated[int, Field(ge=1, le=100_000)]
    n_threads: Annotated[int, Field(ge=1, le=1024)]
    seed: Annotated[int, Field(ge=0, lt=2**64)]


def load_settings(
    scenario: str,
    overrides: Mapping[str, Any] | None = None,
    file: Path = FILE,
    options: Mapping[str, str] = NO_OPTIONS,
    is_service: bool = False,
) -> Settings:
    """The settings for a scenario: the section `default`, that of services, the scenario's own, then the overrides.

    What errors say of `options` stands at `agents.hyperparameters.load_hyperparameters`.

    Raises:
        ValueError: one line a mistake, naming the field, the value and what is allowed.
    """
    sections = (SERVICES, scenario) if is_service else (scenario,)
    settings = {**settings_of(file, *sections), **(overrides or {})}
    if isinstance(settings.get("beside"), dict) and all(isinstance(one, dict) for one in settings["beside"].values()):
        settings["beside"] = with_likes(settings["beside"])
    return validated(settings, file.name, options)


def validated(settings: Mapping[str, Any], source: str, options: Mapping[str, str] = NO_OPTIONS) -> Settings:
    """Settings as Settings; raises as `load_settings`."""
    try:
        return Settings.model_validate(dict(settings))
    except ValidationError as error:
        raise refusal(source, error, list(Settings.model_fields), options) from None
