"""What several files of tests start from."""

from pathlib import Path

import pytest

from tessera_env.policies import save_policy
from tests.policies.trained import card, mlp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a saved mlp for two pools."""
    save_policy(tmp_path / "policy", mlp(), card())
    return tmp_path / "policy"
