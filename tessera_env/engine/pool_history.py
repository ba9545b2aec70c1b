"""What can be learned from a pool's past: exponential averages of being up, and its spells."""

import math

from tessera_env.jit.compiled import compiled


@compiled
def averages_after(available_1h: float, available_4h: float, available_12h: float, up: float, elapsed_s: float):
    """The three averages after `elapsed_s` seconds of being up (1) or down (0).

    One exponential serves all three time constants: exp(-x/4) = exp(-x/12)^3, exp(-x) = exp(-x/12)^12.
    """
    keep_12 = math.exp(-elapsed_s / 43200.0)
    keep_4 = keep_12 * keep_12 * keep_12
    keep_1 = keep_4 * keep_4 * keep_4 * keep_4
    return (
        up + (available_1h - up) * keep_1,
        up + (available_4h - up) * keep_4,
        up + (available_12h - up) * keep_12,
    )


@compiled
def note_change(pool, now_s: float, was_up: bool) -> None:
    """The pool goes up or down now: account the spell that ends."""
    up = 1.0 if was_up else 0.0
    elapsed_s = now_s - pool.changed_s
    a1, a4, a12 = averages_after(pool.available_1h, pool.available_4h, pool.available_12h, up, elapsed_s)
    pool.available_1h, pool.available_4h, pool.available_12h = a1, a4, a12
    if was_up:
        pool.up_s += elapsed_s
        pool.up_square_s2 += elapsed_s * elapsed_s
        pool.up_spells += 1
    else:
        pool.down_spells += 1
    pool.changed_s = now_s


@compiled
def start_history(pool, up: bool) -> None:
    """An episode starts: what is seen first is all that is known."""
    pool.changed_s = 0.0
    pool.available_1h = pool.available_4h = pool.available_12h = 1.0 if up else 0.0
    pool.up_s = 0.0
    pool.up_square_s2 = 0.0
    pool.up_spells = 0
    pool.down_spells = 0
