"""Hyper-parameters from `hyperparameters.toml`, validated; each value's meaning stands beside it there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from agents.worlds import MOST_ROWS
from tessera_env.files.problems import Problems, named, shown, shown_key
from tessera_env.files.toml_files import read_toml
from tessera_env.policies.networks import Activation

FILE = Path(__file__).with_name("hyperparameters.toml")
NOBODY = "nobody"  # is imitated
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})

Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Width = Annotated[int, Field(ge=1, le=4096)]


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Hyperparameters(BaseModel):
    """One training run's settings; the meanings are the comments of `hyperparameters.toml`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    algorithm: Literal["PPO", "MaskablePPO"]
    net: Literal["mlp", "pool_scorer"]
    hidden: Annotated[tuple[Width, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=8)]
    activation: Activation
    critic_sees: Literal["observation", "future"]
    separate_critic: bool
    balance_worlds: bool
    credit: Literal["episode", "task"]
    fleet_weight: Annotated[float, Field(ge=0.0, le=1000.0)]
    fleet_hours: Annotated[float, Field(gt=0.0, le=10_000.0)]
    imitate: str
    imitate_decisions: Annotated[int, Field(ge=1, le=10**12)]
    critic_first: Annotated[int, Field(ge=0, le=10**12)]
    cycles: Annotated[int, Field(ge=1, le=1000)]
    softness: Share
    total_steps: Annotated[int, Field(ge=1, le=10**12)]
    n_envs: Annotated[int, Field(ge=1, le=MOST_ROWS)]
    n_steps: Annotated[int, Field(ge=2, le=2**20)]
    batch_size: Annotated[int, Field(ge=2, le=2**24)]
    n_epochs: Annotated[int, Field(ge=1, le=1000)]
    gamma: Annotated[float, Field(gt=0.0, le=1.0)]
    gae_lambda: Share
    clip_range: Positive
    ent_coef: Annotated[float, Field(ge=0.0)]
    final_ent_coef: Annotated[float, Field(ge=0.0)]
    vf_coef: Annotated[float, Field(ge=0.0)]
    max_grad_norm: Positive
    learning_rate: Positive
    final_learning_rate: Positive
    evaluate_every: Annotated[int, Field(ge=1, le=10**12)]
    evaluation_worlds: Annotated[int, Field(ge=1, le=100_000)]
    n_threads: Annotated[int, Field(ge=1, le=1024)]
    seed: Annotated[int, Field(ge=0, lt=2**64)]

    @model_validator(mode="after")
    def _future_is_for_one_net(self) -> Self:
        if self.critic_sees == "future" and (self.net, self.algorithm) != ("mlp", "MaskablePPO"):
            raise ValueError(
                f"critic_sees: 'future' (allowed with net = 'mlp' and algorithm = 'MaskablePPO'; "
                f"these are {self.net!r} and {self.algorithm!r})"
            )
        return self

    @model_validator(mode="after")
    def _credit_is_for_masked_choices(self) -> Self:
        for name, default in (("credit", "episode"), ("imitate", NOBODY)):
            chosen = getattr(self, name)
            if chosen != default and (self.algorithm, self.critic_sees) != ("MaskablePPO", "observation"):
                raise ValueError(
                    f"{name}: {shown(chosen)} (allowed with algorithm = 'MaskablePPO' and critic_sees = 'observation'; "
                    f"these are {self.algorithm!r} and {self.critic_sees!r})"
                )
        if self.credit == "task" and self.balance_worlds:
            raise ValueError("credit: 'task' (allowed with balance_worlds = false; it is true)")
        return self

    @model_validator(mode="after")
    def _batch_is_collected(self) -> Self:
        collected = self.n_envs * self.n_steps
        # A last batch of one decision has no standard deviation: its advantages would be NaN.
        if collected % self.batch_size == 1 or self.batch_size > collected:
            raise ValueError(
                f"batch_size: {self.batch_size} (allowed: up to n_envs x n_steps = {collected}, "
                "without one decision left over)"
            )
        return self


def load_hyperparameters(
    scenario: str,
    overrides: Mapping[str, Any] | None = None,
    file: Path = FILE,
    options: Mapping[str, str] = NO_OPTIONS,
) -> Hyperparameters:
    """The settings for a scenario: the section `default`, then the scenario's own, then the overrides.

    Args:
        scenario: its name.
        overrides: single settings.
        file: with the sections.
        options: what the user calls some of the settings, such as {"total_steps": "--steps"}; errors name them so.

    Raises:
        ValueError: one line a mistake, naming the field, the value and what is allowed.
    """
    return validated({**settings_of(file, scenario), **(overrides or {})}, file.name, options)


def settings_of(file: Path, *names: str) -> dict[str, Any]:
    """What a file says: its section `default`, then those of the names, as far as it has them.

    Raises:
        ValueError: the file cannot be read, or has no such sections; one line.
    """
    sections = read_toml(file, ValueError)
    if "default" not in sections:
        raise ValueError(f"{named(file)}: default: must be given (a section of settings)")
    settings: dict[str, Any] = {}
    for name in ("default", *names):
        section = sections.get(name, {})
        if not isinstance(section, dict):
            raise ValueError(f"{named(file)}: {shown_key(name)}: must be a section (got {shown(section)})")
        settings |= section
    return settings


def validated(settings: Mapping[str, Any], source: str, options: Mapping[str, str] = NO_OPTIONS) -> Hyperparameters:
    """Settings as Hyperparameters; `source` and, of single ones, `options` say in errors where they come from.

    Raises:
        ValueError: one line a mistake, naming the field, the value and what is allowed.
    """
    try:
        return Hyperparameters.model_validate(dict(settings))
    except ValidationError as error:
        raise refusal(source, error, list(Hyperparameters.model_fields), options) from None


def refusal(
    source: str, error: ValidationError, known: Sequence[str], options: Mapping[str, str] = NO_OPTIONS
) -> ValueError:
    """The first mistakes as one line each, misspelt names before what is missing; `known` are the settings' names.

    What `options` name is told as a mistake in that option.
    """
    for mistake in error.errors():
        if (field := ".".join(map(str, mistake["loc"]))) in options:
            return ValueError(f"{options[field]}: {mistake['msg']} (got {shown(mistake['input'])})")
    problems = Problems(Path(source), ValueError)
    for mistake in sorted(error.errors(), key=lambda mistake: mistake["type"] == "missing"):
        problems.note(_line_of(mistake, known))
    return problems.error_of_all()


def _line_of(mistake: Any, known: Sequence[str]) -> str:
    """Where a mistake of pydantic's stands, and what is wrong."""
    field = ".".join(shown_key(part) if isinstance(part, str) else str(part) for part in mistake["loc"])
    match mistake["type"]:
        case "extra_forbidden":
            return f"{field}: no such hyper-parameter (allowed: {', '.join(known)})"
        case "missing":
            return f"{field}: must be given"
    return f"{field}: {mistake['msg']} (got {shown(mistake['input'])})" if field else str(mistake["ctx"]["error"])
