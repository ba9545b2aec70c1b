"""The hyper-parameters' file, and what is said about mistakes in it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from agents.evolution.settings import load_settings
from agents.hyperparameters import FILE, Hyperparameters, load_hyperparameters
from tessera_env.files.problems import MAX_LINES
from tessera_env.scenario.loading import preset_names


def test_every_value_has_its_meaning_beside_it() -> None:
    default = FILE.read_text(encoding="utf-8").split("\n[default]\n")[1].split("\n\n")[0].strip().splitlines()
    for line in default:
        value, _, meaning = line.partition("#")
        assert "=" in value and len(meaning.strip()) > 5, line


def test_sections_are_presets_and_all_are_valid() -> None:
    sections = tomllib.loads(FILE.read_text(encoding="utf-8"))
    assert set(sections["default"]) == set(Hyperparameters.model_fields)
    assert set(sections) - {"default"} <= set(preset_names())
    for scenario in sections:
        load_hyperparameters(scenario)


def test_section_overrides_default_and_caller_overrides_both(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text(FILE.read_text(encoding="utf-8") + "\n[mine]\nn_epochs = 7\ngamma = 0.5\n", encoding="utf-8")
    mine = load_hyperparameters("mine", {"gamma": 0.25}, file)
    assert (mine.n_epochs, mine.gamma) == (7, 0.25)
    assert mine.hidden == load_hyperparameters("unknown", file=file).hidden


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gamma": 2.0}, "hyperparameters.toml: gamma: Input should be less than or equal to 1 (got 2.0)"),
        ({"gamma": float("nan")}, "gamma: Input should be a finite number (got nan)"),
        ({"n_envs": "8"}, "n_envs: Input should be a valid integer (got '8')"),
        ({"n_envs": 8.0}, "n_envs: Input should be a valid integer (got 8.0)"),
        ({"n_envs": True}, "n_envs: Input should be a valid integer (got True)"),
        ({"algorithm": "DQN"}, "algorithm: Input should be 'PPO' or 'MaskablePPO' (got 'DQN')"),
        ({"hidden": []}, "hidden: Value should have at least 1 item"),
        ({"gama": 1.0}, "gama: no such hyper-parameter (allowed: algorithm, net,"),
        ({"n_envs": 4, "n_steps": 4, "batch_size": 32}, "batch_size: 32 (allowed: up to n_envs x n_steps = 16"),
        ({"n_envs": 5, "n_steps": 5, "batch_size": 12}, "batch_size: 12 (allowed: up to n_envs x n_steps = 25"),
        (
            {"credit": "task", "critic_sees": "observation", "balance_worlds": False, "algorithm": "PPO"},
            "credit: 'task' (allowed with algorithm = 'MaskablePPO' and critic_sees = 'observation'; these are 'PPO'",
        ),
        ({"credit": "task", "balance_worlds": False}, "credit: 'task' (allowed with algorithm = 'MaskablePPO' and cri"),
        ({"credit": "task", "critic_sees": "observation"}, "credit: 'task' (allowed with balance_worlds = false; it"),
        ({"credit": "tasks"}, "credit: Input should be 'episode' or 'task' (got 'tasks')"),
        ({"imitate": "greedy"}, "imitate: 'greedy' (allowed with algorithm = 'MaskablePPO' and critic_sees = 'obs"),
        ({"fleet_hours": 0.0}, "fleet_hours: Input should be greater than 0 (got 0.0)"),
        ({"fleet_weight": -1.0}, "fleet_weight: Input should be greater than or equal to 0 (got -1.0)"),
    ],
)
def test_mistakes_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        load_hyperparameters("deadline", changes)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_hyperparameters_are_frozen() -> None:
    with pytest.raises(ValueError):
        load_hyperparameters("deadline").gamma = 0.5  # type: ignore[misc]


@pytest.mark.parametrize("load", [load_hyperparameters, load_settings])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff", "is not UTF-8 text"),
        (b"[default", "is not TOML: "),
        (b"", "default: must be given (a section of settings)"),
        (b"default = 1", "default: must be a section (got 1)"),
        (b"[default]\n[fleet]\n[[deadline]]", "deadline: must be a section (got [{}])"),
        (b"[default]\n" + b"x" * 10_000 + b" = 1", "no such hyper-parameter"),
        (b'[default]\n"\\u001b" = 1', "'\\x1b': no such hyper-parameter"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, load: Any, text: bytes, words: str) -> None:
    file = tmp_path / "some.toml"
    file.write_bytes(text)
    with pytest.raises(ValueError) as caught:
        load("deadline", file=file)
    lines = str(caught.value).splitlines()
    assert type(caught.value) is ValueError and len(lines) <= MAX_LINES + 1
    assert all("some.toml: " in line and line.isprintable() and len(line) < 1_100 for line in lines)
    assert any(words in line for line in lines)


def test_what_is_missing_is_told_without_all_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text(FILE.read_text(encoding="utf-8").replace("\ngamma = ", "\n# gamma = "), encoding="utf-8")
    with pytest.raises(ValueError, match=r"^some\.toml: gamma: must be given$"):
        load_hyperparameters("deadline", file=file)


def test_a_long_name_is_cut() -> None:
    with pytest.raises(ValueError) as caught:
        load_hyperparameters("deadline", {"imitate": "x" * 10_000})
    assert len(str(caught.value)) < 400
