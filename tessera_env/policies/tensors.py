"""The tensors of an exported rule with learned weights, checked."""

from collections.abc import Mapping

import numpy as np


def checked_tensors(
    kind: str, arrays: dict[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The tensors as float64, in the order of `shapes`.

    Raises:
        ValueError: a tensor is missing, unknown, not float32, not finite or of a shape that does not fit; one line.
    """
    for name, array in arrays.items():
        if name not in shapes:
            raise ValueError(f"{name!r}: unknown tensor (allowed for {kind}: {', '.join(shapes)})")
        if array.dtype != np.float32:
            raise ValueError(f"{name}: dtype {array.dtype} (allowed: float32)")
        if array.shape != shapes[name]:
            raise ValueError(f"{name}: shape {array.shape} (allowed: {shapes[name]})")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: holds NaN or infinity (allowed: finite numbers)")
    for name in shapes:
        if name not in arrays:
            raise ValueError(f"{name}: tensor is missing")
    return {name: arrays[name].astype(np.float64) for name in shapes}
