"""The published simulator of SkyServe's replicas (Mao et al., EuroSys'25), short and slow: how many are ready when.

Capacity, asked, held: integers a zone; a tick is 30 s. Each tick: wishes by what was ready a tick ago, placement by
what was held up to then, then the market: held = min(asked, capacity). A replica is ready after d more ticks in which
it is held; whatever shrinks loses its newest.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

TICK_S = 30.0
Placement = Callable[[list[int], int], list[int]]  # (held, wanted) -> asked


def capacity_rows(folder: Path, start: int, count: int) -> list[list[int]]:
    """What each zone, by name, can hold in each tick of a window."""
    zones = []
    for path in sorted(folder.glob("*.json")):
        recorded = json.loads(path.read_text())
        repeats = int(recorded["metadata"]["gap_seconds"] / TICK_S)
        zones.append([int(value) for value in recorded["data"] for _ in range(repeats)])
    length = min(len(zone) for zone in zones)
    return [[zone[(start + tick) % length] for zone in zones] for tick in range(count)]


def ready_counts(policy: str, rows: list[list[int]], target: int, extra: int, cold_ticks: int) -> list[int]:
    """Ready replicas, spot and on-demand, in each tick from the one on in which any can be."""
    place = PLACEMENTS[policy](len(rows[0]))
    wanted = 0 if policy == "on_demand_only" else target + extra
    held, spot_history, on_demand_history = [0] * len(rows[0]), [], []
    for row in rows:
        spot_ready = ready_spot(spot_history, cold_ticks)
        on_demand_history.append(wanted_on_demand(policy, target, extra, spot_ready))
        asked = place(held, wanted)
        held = [min(one, most) for one, most in zip(asked, row, strict=True)]
        spot_history.append(held)
    return [
        ready_spot(spot_history[: tick + 1], cold_ticks) + min(on_demand_history[tick - cold_ticks : tick + 1])
        for tick in range(cold_ticks, len(rows))
    ]


def ready_spot(history: list[list[int]], cold_ticks: int) -> int:
    if len(history) <= cold_ticks:
        return 0
    return sum(min(zone) for zone in zip(*history[-cold_ticks - 1 :], strict=True))


def wanted_on_demand(policy: str, target: int, extra: int, spot_ready: int) -> int:
    if policy == "on_demand_only":
        return target + extra
    return max(0, min(target, target + extra - spot_ready)) if policy == "spothedge" else 0


def no_spot(zone_count: int) -> Placement:
    return lambda held, wanted: [0] * zone_count


def even_spread(zone_count: int) -> Placement:
    def place(held: list[int], wanted: int) -> list[int]:
        asked = list(held)
        while sum(asked) < wanted:
            asked[asked.index(min(asked))] += 1
        return asked

    return place


def round_robin(zone_count: int) -> Placement:
    def turns() -> Iterator[int]:
        while True:
            yield from range(zone_count)

    turn = turns()

    def place(held: list[int], wanted: int) -> list[int]:
        asked = list(held)
        while sum(asked) < wanted:
            asked[next(turn)] += 1
        return asked

    return place


def spothedge(zone_count: int) -> Placement:
    """Zones that fell short are left alone until they are whole again, or hardly any other is left."""
    active = set(range(zone_count))
    last: list[int] = []

    def place(held: list[int], wanted: int) -> list[int]:
        for zone, one in enumerate(last):
            if one > held[zone]:
                active.discard(zone)
            elif one > 0:
                active.add(zone)
        if len(active) <= min(1, zone_count - 3):
            active.update(range(zone_count))
        asked = list(held)
        while sum(asked) < wanted:
            empty = [zone for zone in sorted(active) if asked[zone] == 0]
            asked[min(empty or active)] += 1
        last[:] = asked
        return asked

    return place


PLACEMENTS: dict[str, Callable[[int], Placement]] = {
    "on_demand_only": no_spot,
    "even_spread": even_spread,
    "round_robin": round_robin,
    "spothedge": spothedge,
}
