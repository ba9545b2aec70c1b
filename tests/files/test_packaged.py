"""The package's data where the package is a zip archive."""

import errno
import subprocess
import sys
import zipfile
from pathlib import Path

import tessera_env
from tessera_env.files.packaged import _copy, data_folder
from tests.faults import faults

PACKAGE = Path(tessera_env.__file__).parent

READS = """
import sys
sys.path.insert(0, sys.argv[1])
from tessera_env.files.packaged import data_folder
from tessera_env.policies import make_policy, pretrained_names
from tessera_env.observation.layout import Layout
from tessera_env.recordings.catalogue import instance_types
from tessera_env.scenario import load_scenario
print(len(load_scenario("deadline-aws").recordings.series), len(instance_types()), len(pretrained_names()))
make_policy("pretrained/deadline", Layout(1))
print(data_folder())
"""


def test_installed_it_is_read_where_it_lies() -> None:
    assert data_folder() == PACKAGE / "data"


def test_without_room_to_unpack_it_the_file_is_named(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    data.mkdir()
    copy.mkdir()
    (data / "trace.csv").write_bytes(b"zone")
    lines = [str(error) for error in faults(lambda: _copy(data, copy), errno.ENOSPC)]
    assert f"{copy / 'trace.csv'}: cannot be unpacked (No space left on device)" in lines
    assert (copy / "trace.csv").read_bytes() == b"zone"


def test_out_of_a_zip_archive_it_is_unpacked_and_goes_with_the_process(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        for path in sorted(PACKAGE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(PACKAGE.parent))
    command = [sys.executable, "-P", "-c", READS, str(tmp_path / "t.zip")]
    environment = {"TMPDIR": str(tmp_path), "NUMBA_DISABLE_JIT": "1", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    figures, folder = done.stdout.splitlines()
    assert [int(figure) for figure in figures.split()] == [9, 61, 9]
    assert Path(folder).parent == tmp_path
    assert not Path(folder).exists()
