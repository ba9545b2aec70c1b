"""A window of a recorded trace as steps (time, value) that start at 0."""

from tessera_env.jit.compiled import compiled


@compiled
def first_row(params, world, series_id: int) -> int:
    """The trace's last row at or before the window's start: what holds when the episode begins."""
    series = params.series[series_id]
    low, high = series.first, series.first + series.count - 1
    while low < high:
        middle = (low + high + 1) // 2
        if params.trace[middle].time_s <= world.window_s:
            low = middle
        else:
            high = middle - 1
    return low


@compiled
def row_time_s(params, world, row: int) -> float:
    """When a row of the trace takes effect, in the episode's time."""
    return max(params.trace[row].time_s - world.window_s, 0.0)


@compiled
def append_step(times_s, values, count: int, time_s: float, value: float) -> int:
    """Append a step, unless it changes nothing; returns the new number of steps."""
    if count > 0 and values[count - 1] == value:
        return count
    times_s[count] = time_s
    values[count] = value
    return count + 1
