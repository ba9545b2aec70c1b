"""The digests are the same in two runs, and see a change."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import digests
from tessera_env.policies import make_policy
from tessera_env.policies.rules.greedy import Greedy


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "EPISODES", 2)
    monkeypatch.setattr(digests, "STEPS", 20)


def written(path: Path, *options: str) -> int:
    return digests.main([str(path), "--only", "deadline", *options])


def test_two_runs_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert written(first) == 0
    assert written(second, "--against", str(first)) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" digests, 0 differ")
    named = json.loads(first.read_text())
    assert {"deadline/parameters", "deadline/worlds", "deadline/results", "deadline/rows/SameStep"} <= named.keys()
    assert {f"deadline/log/{name}" for name in ("greedy", "pretrained/deadline", "random")} <= named.keys()


def test_a_policy_that_answers_otherwise_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "first.json"
    written(first)
    monkeypatch.setattr(
        Greedy, "predict", lambda self, observation, state=None, **_: (np.zeros(len(observation)), state)
    )
    assert written(tmp_path / "second.json", "--against", str(first)) == 1
    unlike = capsys.readouterr().out.splitlines()[2:]
    assert "deadline/log/greedy" in unlike and "deadline/steps/greedy" in unlike
    assert "deadline/worlds" not in unlike and "deadline/log/slack_threshold" not in unlike


def test_every_preset_is_looked_at() -> None:
    from tessera_env.scenario.loading import preset_names

    assert {case.preset for case in digests.cases()} == set(preset_names())
    for case in digests.cases():
        assert make_policy(case.policies[0], digests.Simulation(case.scenario, 1).layout)


def test_the_order_of_a_record_s_fields_does_not_count() -> None:
    one = np.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i8")])
    other = np.array([(2, 1.0)], dtype=[("b", "i8"), ("a", "f8")])
    assert digests.digest(*digests.by_field(one, ("a", "b"))) == digests.digest(*digests.by_field(other, ("a", "b")))


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_a_file_without_digests_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "first.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SystemExit) as ended:
        written(tmp_path / "second.json", "--against", str(tmp_path / "first.json"))
    assert ended.value.code == 2 and not (tmp_path / "second.json").exists()
    assert capsys.readouterr().err.count("\n") == 1
