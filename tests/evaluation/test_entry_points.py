"""All that is ever compiled is compiled by one command."""

import sys

import numba
import pytest

from tessera_env.evaluation.entry_points import call_all
from tessera_env.jit.kernel import Kernel
from tessera_env.policies.rules.choice import RULES


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_all_entry_points_are_called():
    parts = list(call_all())
    assert parts[0] == "the engine"
    modules = [module for name, module in sys.modules.items() if name.startswith("tessera_env.")]
    kernels = {value for module in modules for value in vars(module).values() if isinstance(value, Kernel)}
    kernels |= {rule.choose_rows for rule in RULES}
    assert len(kernels) > 15
    assert [kernel.function.__name__ for kernel in kernels if kernel.dispatcher is None] == []
