"""A tiny package with two kernels, on which the cache of compiled code is tried."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np

FILES = {
    "__init__.py": "",
    "__main__.py": """
import os
import time
from pathlib import Path

with Path(os.environ["NUMBA_CACHE_DIR"], "helpers").open("a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(float(os.environ.get("TINY_DELAY_S", "0")))
if "TINY_FAILS" in os.environ:
    raise SystemExit(1)

import numpy as np
from tiny.simulation.kernels import total
from tiny.world.parameters import RECORD

total(np.zeros(1, RECORD).view(np.recarray), 1)
""",
    "engine/__init__.py": "",
    "engine/kinds.py": """
from enum import IntEnum

class Kind(IntEnum):
    SMALL = 1
""",
    "world/__init__.py": "",
    "world/parameters.py": """
import numpy as np

SCALE = 10.0
RECORD = np.dtype([("first", np.float64), ("second", np.float64)], align=True)
""",
    "engine/helpers.py": """
from tessera_env.jit.compiled import compiled
from tiny.engine.kinds import Kind
from tiny.world.parameters import SCALE

@compiled
def scaled(record, kind):
    return SCALE * record.first if kind == Kind.SMALL else 0.0

@compiled
def plus(x, number):
    return x + number
""",
    "simulation/__init__.py": "",
    "simulation/kernels.py": """
from pathlib import Path

from tessera_env.jit.kernel import Kernel
from tiny.engine.helpers import plus, scaled

def _total(table, kind):
    total = 0.0
    for k in range(table.shape[0]):
        total = plus(plus(total, scaled(table[k], kind)), 0)
    return total

def _failing(table):
    return table + "text"

total = Kernel(_total, Path(__file__).parents[1])
failing = Kernel(_failing, Path(__file__).parents[1])
""",
}

# Prints the result, and how often compiled code was found in the cache.
PROGRAM = """
import sys
import numpy as np
from tiny.simulation.kernels import total
from tiny.world.parameters import RECORD
import tessera_env.jit.cache

if "--careless" in sys.argv:
    tessera_env.jit.cache.source_digest = lambda package: "always the same"
table = np.zeros(1, RECORD).view(np.recarray)
table[0] = (1.0, 100.0)
print(total(table, 1), sum(total.dispatcher.stats.cache_hits.values()))
"""


def write(root: Path, changes: dict[str, str] | None = None) -> Path:
    """The package `tiny` in a folder."""
    for name, text in {**FILES, **(changes or {})}.items():
        path = root / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "tiny"


def table(module: ModuleType) -> np.recarray:
    records = np.zeros(2, sys.modules["tiny.world.parameters"].RECORD).view(np.recarray)
    records["first"] = (1.0, 2.0)
    return records


def result(module: ModuleType) -> float:
    return module.total(table(module), 1)


def cache_hits(module: ModuleType) -> int:
    return sum(module.total.dispatcher.stats.cache_hits.values())
