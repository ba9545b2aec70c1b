"""What a trained network is given of an observation: the fields that its card names, scaled as in training."""

import numpy as np

from tessera_env.files.problems import shown
from tessera_env.observation.layout import Layout
from tessera_env.policies.card import PolicyCard
from tessera_env.policies.networks import Widths


class Inputs:
    """From observations of a layout, which may have more fields than the card and in another order, to the network's.

    Args:
        card: names the fields.
        layout: of the environment that the network is to play in.

    Attributes:
        widths: how many values the network takes.

    Raises:
        ValueError: the layout lacks a field, or means something else by it; or the card does not fit itself; one line.
    """

    def __init__(self, card: PolicyCard, layout: Layout) -> None:
        if layout.has_services_beside:
            raise ValueError(
                "services beside tasks: no trained policy places both (allowed: rules, such as spot_hedge)"
            )
        if card.kind == "mlp" and card.pool_count != layout.pool_count:
            raise ValueError(f"pool_count: {card.pool_count} (allowed here: {layout.pool_count})")
        names = known_names(card.fields, layout)
        task_count = _task_field_count(names, layout)
        self.widths = Widths(task_count, len(names) - task_count, layout.pool_count)
        # A whole observation needs no picking, which would cost a copy.
        self._columns = None if card.fields == layout.signatures else _columns(names, task_count, layout)
        self._scaling = _scaling(card, self.widths)

    def of(self, observation: np.ndarray) -> np.ndarray:
        """(n, inputs) float32 from (n, K): the task's fields, then each pool's."""
        if self._columns is not None:
            observation = np.take(observation, self._columns, axis=1)
        if self._scaling is None:
            return observation.astype(np.float32)
        mean, deviation, clip = self._scaling
        return np.clip((observation - mean) / deviation, -clip, clip).astype(np.float32)


def known_names(signatures: list[str], layout: Layout) -> list[str]:
    """The names alone, if each means in the layout what it meant in training."""
    known = dict(signature.split(":") for signature in layout.signatures)
    names = []
    for signature in signatures:
        name, digest = signature.split(":")
        if name not in known:
            raise ValueError(f"fields: {shown(name)} is no field of this observation (allowed: {', '.join(known)})")
        if digest != known[name]:
            raise ValueError(f"fields: {name!r} means something else in this observation ({digest}, not {known[name]})")
        names.append(name)
    return names


def _task_field_count(names: list[str], layout: Layout) -> int:
    of_task = [layout.slice_of(name).stop <= layout.first_pool_index for name in names]
    count = sum(of_task)
    if not all(of_task[:count]):
        early = names[of_task.index(False)]
        raise ValueError(f"fields: {early!r} comes too early (allowed: the task's fields, then a pool's)")
    return count


def _columns(names: list[str], task_count: int, layout: Layout) -> np.ndarray:
    """Where in the observation each input stands, (inputs,)."""
    first = np.array([layout.slice_of(name).start for name in names])
    blocks = [first[task_count:] + k * layout.pool_field_count for k in range(layout.pool_count)]
    return np.concatenate([first[:task_count], *blocks])


def _scaling(card: PolicyCard, widths: Widths) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Mean and deviation of each input, (inputs,) float64, and where scaled values are cut off."""
    if card.normaliser is None:
        return None
    mean, var = np.array(card.normaliser.mean), np.array(card.normaliser.var)
    shared, own = len(card.fields), widths.task + card.pool_count * widths.pool
    if card.kind == "pool_scorer" and len(mean) == shared:
        first = widths.task
        mean, var = (np.concatenate([x[:first], np.tile(x[first:], widths.pools)]) for x in (mean, var))
    elif len(mean) != own:
        allowed = f"{own}" if card.kind == "mlp" else f"{shared}, or {own} with each pool's own"
        raise ValueError(f"normaliser: {len(mean)} values (allowed for {card.kind}: {allowed})")
    elif card.pool_count != widths.pools:
        raise ValueError(f"normaliser: of {card.pool_count} pools, each scaled in its own way (here: {widths.pools})")
    return mean, np.sqrt(var + card.normaliser.epsilon), card.normaliser.clip
