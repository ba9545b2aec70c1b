"""The two networks that an exported policy can be, in float32 numpy: shapes checked once, then plain matrix products.

`mlp`: `layer.{i}.weight` (out, in) and `layer.{i}.bias`; the last layer gives the 1 + 2P logits.

`pool_scorer`: one small net for every pool, so that weights fit any number of pools. The inputs about the task
go through `shared.{i}`; its output, beside one pool's fields, through `pool.{i}`, whose last layer gives two logits, of
SPOT and ON_DEMAND there; the shared output, beside the mean over the pools of `pool`'s last hidden values, through
`wait.{i}` to the logit of WAIT. Hidden layers, and all of `shared`, are activated; layers that give logits are not.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

import numpy as np
from scipy.special import ndtr

NetworkKind = Literal["mlp", "pool_scorer"]
Activation = Literal["tanh", "relu", "leaky_relu", "elu", "silu", "gelu"]
Layers = list[tuple[np.ndarray, np.ndarray]]  # (weight (in, out), bias (out,)) each

# Rows go through a layer in products of this many. A product's rounding depends on its shape: with one shape only, a
# row's logits are the same bits whichever rows share its batch. And four rows of a 256-wide net are few enough that
# OpenBLAS stays on one thread: on two busy cores, 256 rows took 0.7 ms so, and 9 ms in products of 32 rows.
BLOCK = 4

# As torch has them with its defaults; float32 in, float32 out.
_FUNCTIONS: dict[Activation, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, np.float32(0)),
    "leaky_relu": lambda values: np.maximum(values, np.float32(0.01) * values),
    "elu": lambda values: np.where(values > 0, values, np.expm1(np.minimum(values, np.float32(0)))),
    "silu": lambda values: values * (np.float32(0.5) + np.float32(0.5) * np.tanh(np.float32(0.5) * values)),
    "gelu": lambda values: values * ndtr(values),
}
_STACKS: dict[str, tuple[str, ...]] = {"mlp": ("layer",), "pool_scorer": ("shared", "pool", "wait")}
_TENSOR = re.compile(r"(layer|shared|pool|wait)\.(0|[1-9][0-9]?)\.(weight|bias)")


class Widths(NamedTuple):
    """How many values a network is given and gives."""

    task: int  # inputs about the clock, the task and the fleet
    pool: int  # inputs about each pool
    pools: int

    @property
    def inputs(self) -> int:
        """Length of its input."""
        return self.task + self.pools * self.pool

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return 1 + 2 * self.pools


class Network(Protocol):
    """What turns its inputs, see `tessera_env.policies.inputs`, into logits."""

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """(n, 1 + 2P) float32 from (n, inputs) float32; n is a multiple of BLOCK."""
        ...


def build_network(kind: NetworkKind, activation: Activation, arrays: dict[str, np.ndarray], widths: Widths) -> Network:
    """The network that the tensors are.

    Raises:
        ValueError: a tensor is missing, unknown, not float32, not finite or of a shape that does not fit; one line.
    """
    for name, array in arrays.items():
        _check_tensor(name, array, kind)
    stacks = {stack: _layers_of(stack, arrays) for stack in _STACKS[kind]}
    if kind == "mlp":
        return Mlp(stacks["layer"], activation, widths)
    return PoolScorer(stacks["shared"], stacks["pool"], stacks["wait"], activation, widths)


class Mlp:
    """Fully connected layers over all inputs."""

    def __init__(self, layers: Layers, activation: Activation, widths: Widths) -> None:
        _check_chain("layer", layers, widths.inputs, widths.outputs)
        self._layers = layers
        self._activation = activation

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """(n, 1 + 2P)."""
        hidden = _activated(self._layers[:-1], inputs, self._activation)
        return _affine(self._layers[-1], hidden)


class PoolScorer:
    """One net for every pool, and one for waiting."""

    def __init__(self, shared: Layers, pool: Layers, wait: Layers, activation: Activation, widths: Widths) -> None:
        if len(pool) < 2:
            raise ValueError(f"pool: {len(pool)} layer (allowed: at least one hidden layer and the last)")
        width = len(shared[-1][1])
        _check_chain("shared", shared, widths.task, width)
        _check_chain("pool", pool, width + widths.pool, 2)
        _check_chain("wait", wait, width + len(pool[-2][1]), 1)
        self._shared, self._pool, self._wait = shared, pool, wait
        self._activation = activation
        self._widths = widths

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """(n, 1 + 2P)."""
        rows, (first, pool_fields, pools) = len(inputs), self._widths
        shared = _activated(self._shared, inputs[:, :first], self._activation)
        fields = inputs[:, first:].reshape(rows, pools, pool_fields)
        beside = np.broadcast_to(shared[:, None, :], (rows, pools, shared.shape[1]))
        each = np.concatenate([beside, fields], axis=2).reshape(rows * pools, -1)
        hidden = _activated(self._pool[:-1], each, self._activation)
        placements = _affine(self._pool[-1], hidden).reshape(rows, pools, 2)
        mean = hidden.reshape(rows, pools, -1).mean(axis=1, dtype=np.float32)
        waiting = _activated(self._wait[:-1], np.concatenate([shared, mean], axis=1), self._activation)
        wait = _affine(self._wait[-1], waiting)
        return np.concatenate([wait, placements[:, :, 0], placements[:, :, 1]], axis=1)


def _affine(layer: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> np.ndarray:
    weight, bias = layer
    blocks = values.reshape(-1, BLOCK, weight.shape[0])
    return (blocks @ weight).reshape(-1, weight.shape[1]) + bias


def _activated(layers: Layers, values: np.ndarray, activation: Activation) -> np.ndarray:
    function = _FUNCTIONS[activation]
    for layer in layers:
        values = function(_affine(layer, values))
    return values


def _check_tensor(name: str, array: np.ndarray, kind: NetworkKind) -> None:
    match = _TENSOR.fullmatch(name)
    if match is None or match[1] not in _STACKS[kind]:
        allowed = " or ".join(f"{stack}.0.weight" for stack in _STACKS[kind])
        raise ValueError(f"{name!r}: unknown tensor (allowed for {kind}: names like {allowed})")
    if array.dtype != np.float32:
        raise ValueError(f"{name}: dtype {array.dtype} (allowed: float32)")
    wanted = 2 if match[3] == "weight" else 1
    if array.ndim != wanted or array.size == 0:
        raise ValueError(f"{name}: shape {array.shape} (allowed: {wanted} dimensions, none of them 0)")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: holds NaN or infinity (allowed: finite numbers)")


def _layers_of(stack: str, arrays: dict[str, np.ndarray]) -> Layers:
    """The stack's layers, numbered from 0 without a gap."""
    count = 1 + max((int(name.split(".")[1]) for name in arrays if name.startswith(f"{stack}.")), default=0)
    missing = [f"{stack}.{i}.{part}" for i in range(count) for part in ("weight", "bias")]
    missing = [name for name in missing if name not in arrays]
    if missing:
        raise ValueError(f"{missing[0]}: tensor is missing")
    return [(np.ascontiguousarray(arrays[f"{stack}.{i}.weight"].T), arrays[f"{stack}.{i}.bias"]) for i in range(count)]


def _check_chain(stack: str, layers: Layers, inputs: int, outputs: int) -> None:
    """Each layer takes what the one before gives; the first takes `inputs`, the last gives `outputs`."""
    given = inputs
    for i, (weight, bias) in enumerate(layers):
        wanted = outputs if i == len(layers) - 1 else weight.shape[1]
        if weight.shape != (given, wanted):
            raise ValueError(f"{stack}.{i}.weight: shape {weight.T.shape} (allowed: {(wanted, given)})")
        if bias.shape != (wanted,):
            raise ValueError(f"{stack}.{i}.bias: shape {bias.shape} (allowed: {(wanted,)})")
        given = wanted
