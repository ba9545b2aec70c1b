"""Where a package's compiled code is kept: a folder whose name changes with whatever decides about that code.

numba's cache does not see an edit in a callee, a constant or an enum of another file. So the folder's name holds a
digest of all sources that are compiled, of numba's version, of the processor and of the flags that change what is
compiled. An existing NUMBA_CACHE_DIR stays the root.
"""

import hashlib
import os
from pathlib import Path

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np

from tessera_env.jit.places import cache_place

# Everything that compiled code is made of: functions, record types, enums, constants.
_COMPILED = (
    "jit/*.py",
    "world/**/*.py",
    "engine/*.py",
    "requests/*.py",
    "observation/*.py",
    "policies/hedging/*.py",
    "policies/rules/*.py",
    "policies/shifting/*.py",
    "simulation/kernels.py",
    "evaluation/optimum/search.py",
)


def compiled_sources(package: Path) -> list[Path]:
    """The files whose text decides about the compiled code."""
    return sorted(path for pattern in _COMPILED for path in package.glob(pattern))


def source_digest(package: Path) -> str:
    """A digest of a package's sources and of what else decides about the compiled code."""
    digest = hashlib.sha256()
    for path in compiled_sources(package):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    processor = llvmlite.binding.get_host_cpu_name()
    for fact in (numba.__version__, np.__version__, processor, os.environ.get("NUMBA_BOUNDSCHECK", "")):
        digest.update(fact.encode() + b"\0")
    return digest.hexdigest()[:20]


def cache_folder(package: Path) -> Path | None:
    """The folder for this package's compiled code, made if missing; None if none can be written."""
    # numba finds only what was compiled at the same path: another installation's files must not look like ours.
    place = hashlib.sha256(str(package.resolve()).encode(errors="surrogateescape")).hexdigest()[:8]
    return cache_place(f"tessera_env-{source_digest(package)}-{place}")
