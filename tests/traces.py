"""Published recordings that lie beside the project, or where TESSERA_TRACES says; they are no part of it."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TESSERA_TRACES", Path(__file__).parents[2] / "shared" / "traces"))


def trace_file(name: str) -> Path:
    """The file; the test that needs it is skipped where it is missing."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs {name} in {SHARED} (TESSERA_TRACES)")
    return path
