"""A run's folder: made once, found again through `latest`, and described by its `config.json`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import FailFast, TypeAdapter, ValidationError

from agents.export import source_commit, versions
from tessera_env.files.folders import make_folder, point_link, remove_empty
from tessera_env.files.json_files import read_json, read_object
from tessera_env.files.problems import named, shown
from tessera_env.files.writing import write_text
from tessera_env.scenario.errors import ScenarioError, lines_of
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.scenario import Scenario

CONFIG_FILE = "config.json"
EVALUATIONS_FILE = "evaluations.json"

Evaluation = TypeVar("Evaluation")


def free_folder(folder: Path) -> Path:
    """Where a run's folder is to be; it is made when nothing can be refused any more.

    Raises:
        ValueError: something is there already.
    """
    if os.path.lexists(folder):
        raise _taken(folder)
    return folder


def made_folder(folder: Path) -> Path:
    """A run's folder, which is made.

    Raises:
        ValueError: it exists already.
    """
    try:
        make_folder(folder)
    except FileExistsError:
        raise _taken(folder) from None
    return folder


def _taken(folder: Path) -> ValueError:
    return ValueError(f"{folder}: exists already (go on with it: --resume {folder}, or give another --name)")


def opened_folder(folder: Path, state_file: str) -> tuple[Path, dict[str, Any]]:
    """The folder of a run to go on with, and its config.

    Args:
        folder: or a link to it: what that points at now, since it may point elsewhere when the run is finished.
        state_file: that a run cannot go on without.

    Raises:
        ValueError: it holds no run that can go on.
    """
    folder = folder.parent / os.readlink(folder) if folder.is_symlink() else folder
    for name in (CONFIG_FILE, state_file):
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name}: no such file (needed to go on with a run)")
    return folder, read_object(folder / CONFIG_FILE, ValueError)


def kept_parts(folder: Path, config: Mapping[str, Any], settings: str) -> tuple[Scenario, dict[str, Any]]:
    """The scenario and the settings that a run's config holds.

    Args:
        settings: under what name the config has them.

    Raises:
        ValueError: it holds none, or the scenario cannot be used; one line a problem.
    """
    file = named(folder / CONFIG_FILE)
    for key in ("scenario", settings):
        if not isinstance(config.get(key), dict):
            raise ValueError(f"{file}: {key}: must be an object (got {shown(config.get(key))})")
    try:
        return load_scenario(config["scenario"]), config[settings]
    except ScenarioError as error:
        raise ValueError("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from None


def read_evaluations(folder: Path, kind: type[Evaluation]) -> list[Evaluation]:
    """What a run kept of its evaluations, each as one of this dataclass; none where it has not come to one.

    Raises:
        ValueError: the file is not of this form; one line.
    """
    file = folder / EVALUATIONS_FILE
    if not file.is_file():
        return []
    values = read_json(file, ValueError)
    try:
        return TypeAdapter(Annotated[list[kind], FailFast()]).validate_python(values)  # type: ignore[valid-type]
    except ValidationError as error:
        raise ValueError(f"{named(file)}: {lines_of(error, values)[0]}") from None


def write_config(folder: Path, facts: Mapping[str, Any]) -> None:
    """Keep what a run is, with the versions and the commit that it is made with.

    Raises:
        OSError: it cannot be written; a folder that is new and empty goes again.
    """
    config = {**facts, "versions": versions(), "commit": source_commit()}
    try:
        write_text(folder / CONFIG_FILE, json.dumps(config, indent=2) + "\n")
    except OSError:
        remove_empty([folder])
        raise


def point_latest(folder: Path, name: str = "latest") -> None:
    """Make the link of that name beside the folder point to it, in one step.

    Raises:
        OSError: it cannot; it points where it did.
    """
    point_link(folder.with_name(name), folder.name)
