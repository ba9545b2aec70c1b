"""Random scenarios with services alone, for hypothesis: all that markets are drawn by, all options of a service."""

from typing import Any

from hypothesis import strategies as st

from tests.engine.scenarios import mappings, without_unread

DEMAND = {"source": "bursty", "requests_per_s": 3.0, "burst_factor": 4.0, "calm_s": 2_000.0, "burst_s": 900.0}
SCALER = {"requests_per_replica": 1.5, "least": 0, "most": 3, "up_delay_s": 60.0, "down_delay_s": 300.0}
TARGETS = st.sampled_from(
    [
        {"target": 1},
        {"target": 3, "extra": 1},
        {"target": [[0.0, 1], [1.1, 3], [2.0, 0]], "base_on_demand": 1},
        {"demand": DEMAND, "autoscaler": SCALER},
        {"target": 2, "most": 3},
    ]
)
SERVICES = st.fixed_dictionaries(
    {
        "setup_s": st.sampled_from([0.0, 120.0, 700.0]),
        "model_mb": st.sampled_from([0.0, 20_000.0]),
        "gpu_memory_mb": st.sampled_from([0.0, 16_000.0]),
        "control_interval_s": st.sampled_from([60.0, 300.0, 777.0]),
        "looks": st.sampled_from(["always", "when_changed"]),
        "looks_at_events": st.booleans(),
        "decides_before_market": st.booleans(),
        "at_notice": st.sampled_from(["lost", "serves"]),
        "drain_s": st.sampled_from([0.0, 45.0]),
        "make_before_break": st.booleans(),
        "launch_failure_s": st.sampled_from([0.0, 90.0]),
        "score_from_s": st.sampled_from([0.0, 600.0]),
        "shortfall_weight": st.sampled_from([0.0, 0.3, 2.0, 20.0]),
    }
)


@st.composite
def service_mappings(draw: st.DrawFn) -> dict[str, Any]:
    """A scenario of one service, or of two, as a mapping."""
    values = draw(mappings())
    del values["task"]
    values.pop("slack_tick_s", None)
    count = draw(st.sampled_from([1, 1, 2]))
    values["service"] = [{**draw(SERVICES), **draw(TARGETS), "name": f"s{k}"} for k in range(count)]
    return without_unread(values)
