"""The engine's inner functions as tests call them: compiled once on a machine, and kept on disk as the engine is."""

from collections.abc import Callable
from functools import cache
from typing import Any

from tessera_env.jit.kernel import Kernel


@cache
def kept(function: Callable[..., Any]) -> Kernel:
    """A compiled function that makes no array, for one set of argument types.

    Called as it is, it would be compiled anew in each process, which takes seconds.
    """
    return Kernel(getattr(function, "py_func", function))
