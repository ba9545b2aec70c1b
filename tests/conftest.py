"""Settings of all tests: hypothesis draws the same examples in every run, fewer where the engine is not compiled."""

from hypothesis import HealthCheck, settings
from numba import config as numba_config

settings.register_profile(
    "tessera",
    derandomize=True,
    deadline=None,
    max_examples=10 if numba_config.DISABLE_JIT else 150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tessera")
