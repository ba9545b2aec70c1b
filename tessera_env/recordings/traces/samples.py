"""The JSON form of a trace: evenly spaced samples of one zone, `{"metadata": {"gap_seconds": …}, "data": […]}`.

Nothing in it says what a 1 in `data` means; whoever reads it must. `prices` in $/h may be left out.
"""

import json
import math
from collections import Counter
from typing import Any

from tessera_env.files.problems import MAX_SHOWN, Problems, shown
from tessera_env.recordings.traces.series import MAX_COUNT, MAX_PRICE, Polarity, Series, series_of

_MEMBERS = ("metadata", "data", "prices")
_DOCUMENT = f"a JSON object of {', '.join(_MEMBERS)}"
_GAP_S = (1.0, 1e6)


def read_samples(text: str, name: str, polarity: Polarity | None, problems: Problems) -> tuple[Series, ...]:
    """The one series; none where anything is not allowed, which is noted.

    Args:
        text: of the file, not blank.
        name: of the series.
        polarity: what a 1 means; None: not known, counts are taken to be of instances to be had.
        problems: of the file.
    """
    document = _document(text, problems)
    if document is None:
        return ()
    gap_s = _gap_s(document, problems)
    counts, prices = _lists(document, problems)
    _check_samples(counts, prices, 1 if polarity == "unavailable" else MAX_COUNT, problems)
    if problems.lines or gap_s is None:
        return ()
    if polarity == "unavailable":
        counts = [1 - count for count in counts]
    times_s = [index * gap_s for index in range(len(counts))]
    return (series_of(name, times_s, counts, prices or None, len(counts) * gap_s, gap_s),)


def _document(text: str, problems: Problems) -> dict[str, Any] | None:
    """The members; None where they cannot be told."""
    faults: dict[str, None] = {}  # of the text itself, each once, in order
    broken, document = None, None
    try:
        document = _parsed(text, faults)
    except json.JSONDecodeError as error:
        broken = f"line {error.lineno}: is not JSON ({error.msg})"
    except RecursionError:
        broken = f"is nested too deeply (allowed: {_DOCUMENT})"
    for fault in faults:  # also those before the place where it broke
        problems.note(fault)
    if broken is not None:
        problems.note(broken)
        return None
    if not isinstance(document, dict):
        problems.add("document", _DOCUMENT, document)
        return None
    for key in sorted(set(document) - set(_MEMBERS)):
        name = key if key.isprintable() and len(key) <= MAX_SHOWN else shown(key)
        problems.note(f"{name}: is not a known member (allowed: {', '.join(_MEMBERS)})")
    return document


def _parsed(text: str, faults: dict[str, None]) -> Any:
    """What the text says; what JSON's readers let pass and this one does not goes into `faults`."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, count in Counter(key for key, _ in pairs).items():
            if count > 1:
                faults[f"has the member {shown(key)} twice (allowed: once)"] = None
        return dict(pairs)

    def constant(name: str) -> float:
        faults[f"has {name} (allowed: finite numbers)"] = None
        return math.nan

    def integer(digits: str) -> int:
        try:
            return int(digits)
        except ValueError:
            faults[f"has an integer of thousands of digits (allowed: up to {MAX_COUNT})"] = None
            return -1  # in its own place it is refused too

    return json.loads(text, object_pairs_hook=members, parse_constant=constant, parse_int=integer)


def _member(
    owner: dict[str, Any], place: str, kind: type | tuple[type, ...], allowed: str, problems: Problems
) -> Any | None:
    """The value in a place such as `metadata: gap_seconds`; None, and noted, where it is missing or not of the kind."""
    key = place.rsplit(": ")[-1]
    if key not in owner:
        problems.note(f"{place}: is missing (allowed: {allowed})")
        return None
    value = owner[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        problems.add(place, allowed, value)
        return None
    return value


def _gap_s(document: dict[str, Any], problems: Problems) -> float | None:
    """The time between two samples, s."""
    allowed = f"a number from {_GAP_S[0]:g} to {int(_GAP_S[1])}"
    metadata = _member(document, "metadata", dict, "an object", problems)
    if metadata is None:
        return None
    gap_s = _member(metadata, "metadata: gap_seconds", (int, float), allowed, problems)
    if gap_s is None:
        return None
    if not _GAP_S[0] <= gap_s <= _GAP_S[1]:
        problems.add("metadata: gap_seconds", allowed, gap_s)
        return None
    return float(gap_s)


def _lists(document: dict[str, Any], problems: Problems) -> tuple[list[Any], list[Any]]:
    """Counts and prices as they stand there; empty where there are none."""
    counts = _member(document, "data", list, "a list of whole numbers", problems)
    if counts == []:
        problems.add("data", "a list of at least one sample", counts)
    prices = _member(document, "prices", list, "a list of numbers", problems) if "prices" in document else None
    if counts and prices is not None and len(prices) != len(counts):
        problems.add("prices", f"a list as long as data, {len(counts)}", f"{len(prices)} prices")
    return counts or [], prices or []


def _check_samples(counts: list[Any], prices: list[Any], highest: int, problems: Problems) -> None:
    """Sample by sample, in the order of time."""
    for index in range(max(len(counts), len(prices))):
        if index < len(counts) and not _is_count(counts[index], highest):
            problems.add(f"sample {index}: data", f"a whole number from 0 to {highest}", counts[index])
        if index < len(prices) and not _is_price(prices[index]):
            problems.add(f"sample {index}: prices", f"a number from 0 to {MAX_PRICE:g}", prices[index])


def _is_count(value: Any, highest: int) -> bool:
    """Also 1.0, as data frames write it."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= highest and value % 1 == 0


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= MAX_PRICE
