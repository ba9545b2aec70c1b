"""Whatever the program writes, it writes by `tessera_env/files/`: nothing else opens a file for writing.

TensorBoard's records, which Stable-Baselines3 adds to bit by bit, are the one output that it does not know of.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.test_house import TREES

# By module: what it calls, and why that is no output that could be lost.
ALLOWED = {
    # The way itself.
    "tessera_env.files.folders": {"mkdir", "os.open", "os.replace", "rmdir", "symlink_to", "unlink"},
    "tessera_env.files.writing": {
        *("os.chmod", "os.fdopen", "os.link", "os.open", "os.replace"),
        *("open", "truncate", "unlink"),
    },
    "tessera_env.files.packaged": {"mkdir", "tempfile.mkdtemp", "write_bytes"},  # a copy that goes with the process
    "tessera_env.files.streams": {"open"},  # nowhere, in place of a closed standard output
    "tessera_env.cli.output": {"os.open"},  # nowhere, likewise
    "tessera_env.jit.lock": {"os.open"},  # a lock, which is empty
    "tessera_env.jit.kernel": {"shutil.rmtree"},  # the compile cache, which is made anew
    "tessera_env.jit.places": {"mkdir", "tempfile.TemporaryFile"},  # its folder, and whether that can be written
    "tessera_env.policies.folder": {"os.replace", "unlink"},  # weights beside a card that names those in force
    "train": {"open"},  # a run, to go on with
    "agents.export": {"tempfile.TemporaryDirectory"},  # a trial, thrown away
    "benchmarks.commands": {"tempfile.TemporaryDirectory", "write_text"},  # a page's files, for its commands
    "benchmarks.fuzz.__main__": {"mkdir", "tempfile.TemporaryDirectory", "write_bytes"},  # mutated files, thrown away
    "benchmarks.fuzz.judging": {"write_bytes"},  # likewise
    "benchmarks.fuzz.readers": {"open", "write_bytes", "write_text"},  # likewise; and a run, to go on with
    "benchmarks.speed.compiling": {"tempfile.TemporaryDirectory"},  # an empty compile cache
    "benchmarks.studies.service_weights": {"tempfile.TemporaryDirectory"},  # runs that are only played
    "benchmarks.speed.training": {"tempfile.TemporaryDirectory"},  # a run that is only timed
}
# Of any object: paths, arrays, frames, pictures, models.
METHODS = {
    "chmod", "hardlink_to", "lchmod", "makedirs", "mkdir", "rename", "rmdir", "symlink_to", "to_csv",
    "to_parquet", "tofile", "touch", "truncate", "unlink", "write_bytes", "write_html", "write_image", "write_text",
}  # fmt: skip
# Of these modules: all but what only looks.
MODULES = {
    "os": {
        *("chmod", "fdopen", "link", "makedirs", "mkdir", "open", "remove", "removedirs"),
        *("rename", "renames", "replace", "rmdir", "symlink", "truncate", "unlink"),
    },
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move", "rmtree"},
    "tempfile": {"NamedTemporaryFile", "TemporaryDirectory", "TemporaryFile", "mkdtemp", "mkstemp"},
}
INTO_MEMORY = {"buffer", "stream"}  # what our code calls an `io.BytesIO`
SAVES = {"dump", "save", "savetxt", "savez", "savez_compressed", "save_file"}  # of their first argument, as a rule
READING = {"r", "rb", "rt"}


def writing_calls(tree: ast.Module) -> Iterator[str]:
    """The calls of a module that write to the disk, or may."""
    aliases = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        words = ast.unparse(node.func).split(".")
        owner, name = ".".join(words[:-1]), words[-1]
        whole = aliases.get(name, f"{owner}.{name}") if len(words) < 3 else f"{owner}.{name}"
        module, _, function = whole.rpartition(".")
        if function in MODULES.get(module, ()):
            yield whole
        elif module not in MODULES and (
            (owner and name in METHODS)
            or (name == "open" and owner != "cls" and not is_for_reading(node, owner))
            or (name in SAVES and owner and not is_into_memory(node))
        ):
            yield name


def is_for_reading(call: ast.Call, owner: str) -> bool:
    """Whether an `open` of a path or of this name has no mode that writes."""
    modes = [*call.args[0 if owner not in ("", "io") else 1 :][:1]]
    modes += [word.value for word in call.keywords if word.arg == "mode"]
    return all(isinstance(mode, ast.Constant) and mode.value in READING for mode in modes)


def is_into_memory(call: ast.Call) -> bool:
    """Whether what is saved goes nowhere, or into a buffer."""
    return len(call.args) < (2 if call.func.attr == "dump" else 1) or ast.unparse(call.args[0]) in INTO_MEMORY


def test_only_one_room_writes() -> None:
    found = {name: calls for name, tree in TREES.items() if (calls := set(writing_calls(tree)))}
    assert found == ALLOWED


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "io.open(path, mode)",
        "path.open('r+')",
        "path.write_text(text)",
        "path.mkdir()",
        "os.replace(a, b)",
        "os.open(path, flags)",
        "os.unlink(path)",
        "from os import replace\nreplace(a, b)",
        "from shutil import copyfile as c\nc(a, b)",
        "shutil.move(a, b)",
        "tempfile.mkstemp()",
        "image.save(path)",
        "np.save(path, array)",
        "np.savez(path, a=array)",
        "json.dump(values, file)",
        "figure.write_html(path)",
        "model.save(path)",
    ],
)
def test_what_writes_is_found(line: str) -> None:
    assert len(list(writing_calls(ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "open(path)",
        "path.open('rb')",
        "text.replace(a, b)",
        "write_text(path, text)",
        "image.save(stream, format='PNG')",
        "model.save(buffer)",
        "os.open",
        "replace(settings, seed=1)",
    ],
)
def test_what_reads_is_not(line: str) -> None:
    assert not list(writing_calls(ast.parse(line)))
