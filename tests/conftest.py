"""Settings of all tests: hypothesis draws the same examples in every run, fewer where the engine is not compiled."""

import os
import signal

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

# What tests meet is the compiled engine, and no helper goes on after them; those of the helper choose otherwise.
os.environ["TESSERA_COMPILE"] = "before"

# A shell without job control starts background commands with Ctrl-C ignored, and so would be all that tests start; with
# a handler here they get the default again.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
