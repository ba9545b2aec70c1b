"""Numbers in messages: what is named as a bound can be typed and is accepted, what was given stands there in full."""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

_DIGITS = 6


def exact(value: float) -> str:
    """The number in as many digits as it takes to tell it from every other."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def rounded_down(bound: float, is_allowed: Callable[[float], bool] | None = None) -> str:
    """A number of six digits for "must be at most …": the nearest to the bound, if that is allowed, else a lesser one.

    Args:
        bound: what must not be exceeded.
        is_allowed: the check itself, where it is another one than `<=`: in another unit, or with a tolerance.
    """
    context = Context(prec=_DIGITS, rounding=ROUND_FLOOR)
    return _shown(bound, is_allowed or (lambda value: value <= bound), context, context.next_minus)


def rounded_up(bound: float, is_allowed: Callable[[float], bool] | None = None) -> str:
    """Likewise for "must be at least …", with a greater number where the nearest is not allowed."""
    context = Context(prec=_DIGITS, rounding=ROUND_CEILING)
    return _shown(bound, is_allowed or (lambda value: value >= bound), context, context.next_plus)


def _shown(
    bound: float, is_allowed: Callable[[float], bool], context: Context, next_to: Callable[[Decimal], Decimal]
) -> str:
    nearest = float(f"{bound:.{_DIGITS}g}")
    if is_allowed(nearest):
        return exact(nearest)
    shown = context.create_decimal_from_float(bound)
    while not is_allowed(float(shown)):
        shown = next_to(shown)
    return exact(float(shown))
