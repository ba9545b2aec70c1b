"""How the room's kernels are called where nothing is compiled yet."""

from typing import Any

from tessera_env.jit.kernel import Kernel

MOST_PLAIN = 2_000  # requests; plain Python takes seconds for so many, a million would take longer than the compiler


def call(kernel: Kernel, requests: int, *args: Any) -> Any:
    """Call a kernel whose work grows with the requests: few run as plain Python at once, many wait for machine code."""
    kernel.waits = requests > MOST_PLAIN
    return kernel(*args)
