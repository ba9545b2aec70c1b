"""A trained policy as a folder of data, run on numpy alone: no torch, and nothing in it is ever executed.

`policy.safetensors` holds the weights (see `tessera_env.policies.networks` for the tensors' names), `policy.json` the
card: what network it is, which observation it was trained on, and the weights' SHA-256. A folder is written so that a
kill at any moment leaves the old policy or the new one, never a mixture.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tessera_env.files.reading import read_text
from tessera_env.files.writing import sync_folder, write_bytes, write_text
from tessera_env.observation.checked import checked_masks, checked_observation
from tessera_env.observation.layout import Layout
from tessera_env.policies.networks import BLOCK, Activation, Kind, build_network
from tessera_env.scenario.errors import lines_of
from tessera_env.scenario.market import MAX_POOLS

SCHEMA_VERSION = 1
WEIGHTS_FILE = "policy.safetensors"
CARD_FILE = "policy.json"
_NEXT_WEIGHTS_FILE = "policy.next.safetensors"  # in force when the card names its digest
MAX_WEIGHTS_BYTES = 1024 * 1024 * 1024


class PolicyError(ValueError):
    """A policy's folder that cannot be used; one line."""


class Normaliser(BaseModel):
    """How observations were scaled in training: clip((x - mean) / sqrt(var + epsilon), -clip, clip)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    mean: list[float] = Field(description="one a field; for pool_scorer the scalar fields', then one pool's")
    var: list[Annotated[float, Field(ge=0)]] = Field(description="as `mean`")
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

    schema_version: Literal[1] = Field(1, description="of this format")
    kind: Kind = Field(description="which network the tensors are")
    activation: Activation = Field(description="of hidden layers")
    pool_count: int = Field(ge=1, le=MAX_POOLS, description="pools at training; mlp runs on as many only")
    layout_digest: str = Field(description="`Layout.digest` at training: the observation's fields")
    scenario: str = Field(description="what it was trained on")
    masked: bool = Field(description="trained with action masks")
    asked_on_spot: bool = Field(True, description="false: running tasks on spot were never asked, and stay there")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of policy.safetensors")
    normaliser: Normaliser | None = Field(None, description="none: observations as they are")
    versions: dict[str, str] = Field(description="of the packages that trained it")
    training: dict[str, JsonValue] = Field(default={}, description="free notes: algorithm, frames, seed ...")


def save_policy(folder: str | Path, arrays: dict[str, np.ndarray], card: dict[str, Any]) -> PolicyCard:
    """Write a policy's folder, made if it is missing; the old policy stays in force until the new one is complete.

    Args:
        folder: where; a policy that is already there is replaced.
        arrays: float32 tensors by name.
        card: `PolicyCard`'s fields, without `schema_version` and `sha256`, which are filled in here.

    Raises:
        PolicyError: card and tensors do not make a policy; nothing is written.
        OSError: the folder cannot be written.
    """
    weights = save({name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())})
    facts = {**card, "schema_version": SCHEMA_VERSION, "sha256": hashlib.sha256(weights).hexdigest()}
    checked = _validated(json.dumps(facts, default=_plain), "card")
    _check_digest(checked, Layout(checked.pool_count), "card")
    _build(checked, arrays, Layout(checked.pool_count), "card")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _finish_interrupted_save(folder)
    write_bytes(folder / _NEXT_WEIGHTS_FILE, weights)
    write_text(folder / CARD_FILE, checked.model_dump_json(indent=2) + "\n")  # from here on the new policy is in force
    _promote(folder)
    return checked


class LearnedPolicy:
    """An exported network; with `deterministic` the likeliest valid action, else a draw among the valid ones.

    Args:
        folder: as written by `save_policy`.
        layout: of the environment that it is to play in.
        seed: of the draws where `deterministic` is False; these depend on the order of calls.

    Raises:
        PolicyError: the folder is missing, incomplete, damaged, of another format or of another observation; one line.
    """

    def __init__(self, folder: str | Path, layout: Layout, seed: int = 0) -> None:
        folder = Path(folder)
        self.card = read_card(folder)
        where = str(folder / CARD_FILE)
        _check_digest(self.card, layout, where)
        if self.card.kind == "mlp" and self.card.pool_count != layout.pool_count:
            raise PolicyError(f"{where}: pool_count: {self.card.pool_count} (allowed here: {layout.pool_count})")
        self.name = folder.resolve().name
        self._layout = layout
        arrays = read_weights(folder, self.card.sha256)
        self._network, self._scaling = _build(self.card, arrays, layout, str(folder / WEIGHTS_FILE))
        self._generator = np.random.default_rng(seed)

    def predict(
        self,
        observation: np.ndarray,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = True,
        action_masks: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Any]:
        """See `tessera_env.policies.protocol.Policy`."""
        logits = self.logits(observation)
        if action_masks is not None:
            logits = np.where(checked_masks(action_masks, logits.shape), logits, -np.inf)
        if not deterministic:
            # The largest of logits plus Gumbel noise is a draw from their softmax (Maddison et al., 2014).
            logits = logits + self._generator.gumbel(size=logits.shape)
        actions = np.argmax(logits, axis=1)
        return actions if self.card.asked_on_spot else self._staying(observation, logits, actions), state

    def _staying(self, observation: np.ndarray, logits: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The same, but for tasks on spot that may stay: that question was never put in training, nor learned."""
        here = self._layout.read(np.asarray(observation), "here_spot")  # (n, P)
        stay = 1 + np.argmax(here, axis=1)
        may_stay = here.any(axis=1) & np.isfinite(logits[np.arange(len(stay)), stay])
        return np.where(may_stay, stay, actions)

    def logits(self, observation: np.ndarray) -> np.ndarray:
        """(n, 1 + 2P) float32, unmasked."""
        observation = self._scaled(checked_observation(self._layout, observation))
        count = len(observation)
        padded = np.zeros((-(-count // BLOCK) * BLOCK, self._layout.size), dtype=np.float32)
        padded[:count] = observation
        return self._network.logits(padded)[:count]

    def _scaled(self, observation: np.ndarray) -> np.ndarray:
        if self._scaling is None or self.card.normaliser is None:
            return observation.astype(np.float32)
        mean, deviation = self._scaling
        clip = self.card.normaliser.clip
        return np.clip((observation - mean) / deviation, -clip, clip).astype(np.float32)


def read_card(folder: str | Path) -> PolicyCard:
    """The card of a policy's folder.

    Raises:
        PolicyError: there is none, or it is not valid; one line.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise PolicyError(f"{folder}: no such folder (needed: one with {CARD_FILE} and {WEIGHTS_FILE})")
    return _validated(read_text(folder / CARD_FILE, PolicyError), str(folder / CARD_FILE))


def _validated(text: str, where: str) -> PolicyCard:
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{where}: is not JSON ({error})") from None
    try:
        return PolicyCard.model_validate(values)
    except ValidationError as error:
        raise PolicyError(f"{where}: {lines_of(error, values)[0]}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _plain(value: Any) -> Any:
    """Numpy's numbers and arrays as JSON has them."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise PolicyError(f"card: {value!r} (allowed: what JSON can hold)")


def _check_digest(card: PolicyCard, layout: Layout, where: str) -> None:
    if card.layout_digest != layout.digest:
        reason = "it was trained on other observation fields"
        raise PolicyError(f"{where}: layout_digest: {card.layout_digest!r} (allowed: {layout.digest!r}); {reason}")


def _build(card: PolicyCard, arrays: dict[str, np.ndarray], layout: Layout, where: str) -> tuple[Any, Any]:
    """The network and what scales its input: (mean, deviation), each (K,) float64, or None."""
    try:
        return build_network(card.kind, card.activation, arrays, layout), _scaling(card, layout)
    except ValueError as error:
        raise PolicyError(f"{where}: {error}") from None


def _scaling(card: PolicyCard, layout: Layout) -> tuple[np.ndarray, np.ndarray] | None:
    if card.normaliser is None:
        return None
    mean, var = np.array(card.normaliser.mean), np.array(card.normaliser.var)
    first, fields = layout.first_pool_index, layout.pool_field_count
    expected = layout.size if card.kind == "mlp" else first + fields
    if len(mean) != expected:
        raise ValueError(f"normaliser: {len(mean)} values (allowed for {card.kind}: {expected})")
    if card.kind == "pool_scorer":
        mean, var = (np.concatenate([x[:first], np.tile(x[first:], layout.pool_count)]) for x in (mean, var))
    return mean, np.sqrt(var + card.normaliser.epsilon)


def read_weights(folder: Path, sha256: str) -> dict[str, np.ndarray]:
    """The tensors whose file has the digest; that may still be the one which an interrupted save left.

    Raises:
        PolicyError: there is no such file, or it holds no tensors; one line.
    """
    data = next((data for data in _weights_files(folder) if hashlib.sha256(data).hexdigest() == sha256), None)
    path = folder / WEIGHTS_FILE
    if data is None:
        raise PolicyError(f"{path}: is missing, damaged or not the file that {CARD_FILE} describes (SHA-256 differs)")
    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(f"{path}: is not a safetensors file of plain tensors ({error})") from None


def _weights_files(folder: Path) -> list[bytes]:
    paths = [path for path in (folder / WEIGHTS_FILE, folder / _NEXT_WEIGHTS_FILE) if path.is_file()]
    try:
        return [path.read_bytes() for path in paths if path.stat().st_size <= MAX_WEIGHTS_BYTES]
    except OSError as error:
        raise PolicyError(f"{folder / WEIGHTS_FILE}: cannot be read ({error.strerror})") from None


def _finish_interrupted_save(folder: Path) -> None:
    """A save that was killed after its card was written left the weights in force under the name of the next ones."""
    following = folder / _NEXT_WEIGHTS_FILE
    try:
        in_force = read_card(folder).sha256
    except PolicyError:
        return
    if following.is_file() and hashlib.sha256(following.read_bytes()).hexdigest() == in_force:
        _promote(folder)


def _promote(folder: Path) -> None:
    os.replace(folder / _NEXT_WEIGHTS_FILE, folder / WEIGHTS_FILE)
    sync_folder(folder)
