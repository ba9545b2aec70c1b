"""The animations of the environments' pages."""

import errno
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageStat

import tessera_env
from benchmarks import animations
from tests.faults import faults

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


@pytest.mark.parametrize("preset", tessera_env.ENVIRONMENTS.values())
def test_every_environment_has_a_short_animation(preset):
    path = PICTURES / f"{preset}.gif"
    with Image.open(path) as kept:
        assert 10 <= kept.n_frames <= animations.FRAMES
        assert kept.size == animations.SIZE
    assert path.stat().st_size < 600_000


def test_pictures_stay_small():
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 3_000_000


def test_the_animation_kept_is_what_its_command_draws(tmp_path):
    """After a change of the drawing: `python -m benchmarks.animations docs/pictures`."""
    pictures = list(animations.frames("Tessera/DeadlineAWS-v0", "deadline-aws"))
    assert all(np.any(one != other) for one, other in pairwise(pictures))
    animations.write_gif(tmp_path / "drawn.gif", pictures)
    with Image.open(PICTURES / "deadline-aws.gif") as kept, Image.open(tmp_path / "drawn.gif") as drawn:
        assert kept.n_frames == drawn.n_frames
        kept.seek(kept.n_frames - 1)
        drawn.seek(drawn.n_frames - 1)
        difference = ImageChops.difference(kept.convert("RGB"), drawn.convert("RGB"))
    assert max(ImageStat.Stat(difference).mean) < 1.0  # of 255; other versions of the font library smooth otherwise


def test_a_fault_leaves_the_old_animation_or_the_new_one(tmp_path, capsys):
    """And ends the script with one line."""
    path, pictures = tmp_path / "drawn.gif", [np.full((9, 16, 3), shade, np.uint8) for shade in (0, 255)]
    animations.write_gif(path, pictures)
    new = path.read_bytes()
    path.write_bytes(b"old")
    for error in faults(lambda: animations.write_gif(path, pictures), errno.EDQUOT):
        line = capsys.readouterr().err
        assert isinstance(error, SystemExit) and error.code == 2
        assert line.startswith(f"{path}: ") and line.count("\n") == 1
        assert path.read_bytes() == (new if "is written, but" in line else b"old")
        path.write_bytes(b"old")
