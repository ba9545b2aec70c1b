"""The base of a scenario's sections, and the distributions that a scenario can name for a quantity."""

import math
import statistics
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_serializer, model_validator

from tessera_env.files.numbers import exact
from tessera_env.world.distributions import MAX_CHOICES

MAX_MB = 1e9  # bounds every quantity, whatever its unit
MAX_HOURS = 1_000_000.0


class Section(BaseModel):
    """A part of a scenario: frozen, strict, without unknown keys, NaN or infinity."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def as_tuple(value: Any) -> Any:
    """TOML and JSON know only lists; strict tuples refuse them."""
    return tuple(value) if isinstance(value, list) else value


def _as_pair(value: Any) -> Any:
    value = as_tuple(value)
    if not (isinstance(value, tuple) and len(value) == 2):
        raise ValueError("must be [low, high]")
    return value


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"must be [low, high] with low <= high (got {list(bounds)})")
    return bounds


Range = Annotated[tuple[float, float], BeforeValidator(_as_pair), AfterValidator(_ordered)]


def _few(values: tuple[float, ...]) -> tuple[float, ...]:
    if not 1 <= len(values) <= MAX_CHOICES:
        raise ValueError(f"must have 1 to {MAX_CHOICES} values (got {len(values)})")
    return values


Choices = Annotated[tuple[float, ...], BeforeValidator(as_tuple), AfterValidator(_few)]


class Lognormal(Section):
    """Median and log-deviation, clipped."""

    median: float = Field(gt=0, le=MAX_MB, description="median, in the quantity's unit")
    sigma: float = Field(ge=0, le=10, description="standard deviation of the logarithm")
    low: float = Field(gt=0, le=MAX_MB, description="values below become this")
    high: float = Field(gt=0, le=MAX_MB, description="values above become this")

    @model_validator(mode="after")
    def _clip_is_ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low must be at most high (got low = {self.low}, high = {self.high})")
        return self


class Distribution(Section):
    """A quantity drawn for each world: a plain number, or exactly one of the forms below."""

    constant: float | None = Field(None, description="always this; a plain number means the same")
    uniform: Range | None = Field(None, description="[low, high], all values equally likely")
    log_uniform: Range | None = Field(None, description="[low, high], all magnitudes equally likely; low > 0")
    choice: Choices | None = Field(None, description="equally likely values")
    lognormal: Lognormal | None = Field(None, description="median, sigma, low, high")

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"constant": value}
        if not isinstance(value, Mapping | Distribution):
            raise ValueError(f"must be a number or exactly one of {', '.join(cls.model_fields)}")
        return value

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [form for form in type(self).model_fields if getattr(self, form) is not None]
        if len(given) != 1:
            forms = ", ".join(type(self).model_fields)
            raise ValueError(f"must be a number or exactly one of {forms} (got {' and '.join(given) or 'none'})")
        if self.log_uniform is not None and self.log_uniform[0] <= 0:
            raise ValueError(f"log_uniform must have low > 0 (got {list(self.log_uniform)})")
        return self

    @model_serializer
    def _compact(self) -> float | dict[str, Any]:
        if self.constant is not None:
            return self.constant
        if self.lognormal is not None:
            return {"lognormal": self.lognormal.model_dump()}
        return {self.form: list(getattr(self, self.form))}

    @property
    def form(self) -> str:
        """Which of the forms it has."""
        return next(form for form in type(self).model_fields if getattr(self, form) is not None)

    @property
    def lowest(self) -> float:
        """The least value it can take."""
        return min(self._support)

    @property
    def highest(self) -> float:
        """The greatest value it can take."""
        return max(self._support)

    @property
    def median(self) -> float:
        """The value that half of the draws do not exceed."""
        if self.lognormal is not None:
            return min(max(self.lognormal.median, self.lowest), self.highest)
        if self.log_uniform is not None:
            return math.sqrt(self.lowest * self.highest)
        return statistics.median(self._support)

    @property
    def _support(self) -> tuple[float, ...]:
        if self.lognormal is not None:
            return (self.lognormal.low, self.lognormal.high)
        if self.constant is not None:
            return (self.constant,)
        return self.uniform or self.log_uniform or self.choice or ()


def within(low: float, high: float) -> AfterValidator:
    """All values of the distribution lie in [low, high]."""

    def check(distribution: Distribution) -> Distribution:
        if distribution.lowest < low or distribution.highest > high:
            span = f"{exact(distribution.lowest)} to {exact(distribution.highest)}"
            raise ValueError(f"must lie within {low:g} to {high:g} (got {span})")
        return distribution

    return AfterValidator(check)


def range_within(low: float, high: float) -> AfterValidator:
    """Both bounds lie in [low, high]."""

    def check(bounds: tuple[float, float]) -> tuple[float, float]:
        if bounds[0] < low or bounds[1] > high:
            raise ValueError(f"must lie within {low:g} to {high:g} (got {list(bounds)})")
        return bounds

    return AfterValidator(check)
