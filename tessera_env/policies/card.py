"""A trained policy's card, `policy.json`: what network it is, and which fields of the observation it reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from tessera_env.files.json_files import json_of
from tessera_env.policies import fields_v1
from tessera_env.policies.networks import Activation
from tessera_env.scenario.errors import lines_of, shown
from tessera_env.scenario.market import MAX_POOLS

SCHEMA_VERSION = 2
RULE_KINDS = ("shifted_rule", "shifted_hedge")  # of policies that are no network: a fleet's, a service's
_SIGNATURE = re.compile(r"[a-z][a-z0-9_]*:[0-9a-f]{8}")


class PolicyError(ValueError):
    """A policy's folder that cannot be used; one line."""


@contextmanager
def told_of(where: str) -> Iterator[None]:
    """Turn a ValueError into a PolicyError that says where."""
    try:
        yield
    except ValueError as error:
        raise PolicyError(f"{where}: {error}") from None


class Normaliser(BaseModel):
    """How observations were scaled in training: clip((x - mean) / sqrt(var + epsilon), -clip, clip)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    mean: Annotated[list[float], FailFast()] = Field(
        description="one for each of the card's fields; a pool's again for each pool, which pool_scorer may leave out"
    )
    var: Annotated[list[Annotated[float, Field(ge=0)]], FailFast()] = Field(description="as `mean`")
    clip: float = Field(10.0, gt=0, description="scaled values are cut off at plus and minus this")
    epsilon: float = Field(1e-8, gt=0, description="keeps constant fields finite")

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if len(self.mean) != len(self.var):
            raise ValueError(f"mean has {len(self.mean)} values, var has {len(self.var)} (allowed: as many)")
        return self


class PolicyCard(BaseModel):
    """What `policy.json` says of the weights."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1, 2] = Field(2, description="of this format; a card of 1 is read as one of 2")
    kind: Literal["mlp", "pool_scorer", "shifted_rule", "shifted_hedge"] = Field(description="what the tensors are")
    activation: Activation = Field("tanh", description="of a network's hidden layers")
    pool_count: int = Field(ge=1, le=MAX_POOLS, description="pools at training; mlp runs on as many only")
    fields: Annotated[list[str], FailFast()] = Field(
        min_length=1,
        description="what the network reads, as `Layout.signatures` has it: the task's fields, then one pool's",
    )
    scenario: str = Field(description="what it was trained on")
    masked: bool = Field(description="trained with action masks")
    asked_on_spot: bool = Field(True, description="false: running tasks on spot were never asked, and stay there")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of policy.safetensors")
    normaliser: Normaliser | None = Field(None, description="none: observations as they are")
    versions: dict[str, str] = Field(description="of the packages that trained it")
    training: dict[str, JsonValue] = Field(default={}, description="free notes: algorithm, frames, seed ...")

    @model_validator(mode="before")
    @classmethod
    def _from_schema_1(cls, values: Any) -> Any:
        """Name the fields that the digest of a whole layout stands for."""
        if not isinstance(values, dict) or values.get("schema_version") != 1:
            return values
        rest = dict(values)
        digest = rest.pop("layout_digest", None)
        if digest != fields_v1.LAYOUT_DIGEST:
            raise ValueError(f"layout_digest: must be {fields_v1.LAYOUT_DIGEST!r} in schema 1 (got {shown(digest)})")
        if "fields" in rest:
            raise ValueError(f"fields: is not a known key in schema 1 (got {shown(rest['fields'])})")
        return {**rest, "schema_version": 2, "fields": list(fields_v1.FIELDS)}

    @model_validator(mode="after")
    def _rule_has_its_own_scale(self) -> Self:
        if self.kind in RULE_KINDS and self.normaliser is not None:
            raise ValueError(f"normaliser: given (allowed for {self.kind}: none)")
        return self

    @field_validator("fields")
    @classmethod
    def _each_is_named_once(cls, fields: list[str]) -> list[str]:
        names = set()
        for field in fields:
            if not _SIGNATURE.fullmatch(field):
                raise ValueError(f"must be names with digests, such as 'slack:1f3a9c02' (got {shown(field)})")
            name = field.split(":")[0]
            if name in names:
                raise ValueError(f"must name each field once (got {shown(name)} twice)")
            names.add(name)
        return fields


def card_of(text: str, where: str) -> PolicyCard:
    """The card that the text of a `policy.json` is.

    Raises:
        PolicyError: it is none; one line that begins with `where`.
    """
    values = json_of(text, where, PolicyError)
    try:
        return PolicyCard.model_validate(values)
    except ValidationError as error:
        raise PolicyError(f"{where}: {lines_of(error, values)[0]}") from None
