"""A policy that fails while it plays is named, with what it played; its error stays what it is."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tessera_env.cli.program import main
from tessera_env.evaluation.episodes import play_episode
from tessera_env.evaluation.failures import failure_of, noting, own_traceback
from tessera_env.evaluation.playing import play
from tessera_env.scenario.loading import load_scenario
from tessera_env.vector_env import TesseraVectorEnv

FAILING = """
import numpy as np

class Failing:
    name = "failing"

    def __init__(self, layout, after: int = 0):
        self.left = after

    def predict(self, observation, state=None, **named):
        self.left -= 1
        return np.zeros(len(observation), dtype=int) if self.left >= 0 else self.look_up({}), state

    def look_up(self, table):
        return table["no such key"]
"""


class Failing:
    name = "mine"

    def __init__(self, after: int, answer: float | None = None):
        self.left, self.answer = after, answer

    def predict(self, observation, state=None, **_):
        self.left -= 1
        if self.left < 0 and self.answer is None:
            raise KeyError("seen")
        return np.full(len(observation), 0 if self.left >= 0 else self.answer), state


@pytest.mark.parametrize(
    ("rows", "episodes", "after", "where"),
    [
        (1, 1, 0, "world 0 of 1, in call 1"),
        (3, 5, 2, "worlds 0, 1, 2 of 5, in call 3"),
        (10, 20, 1, "worlds 0, 1, 2, 3, 4, 5, 6, 7, ... of 20, in call 2"),
    ],
)
def test_a_note_says_which_policy_and_what_it_played(rows, episodes, after, where):
    env = TesseraVectorEnv(rows, "classic", autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(KeyError, match="seen") as caught:
        play(env, Failing(after), episodes, 5, lambda _: None)
    assert failure_of(caught.value) == f"failed while policy 'mine' played {where}"
    assert own_traceback(caught.value).splitlines()[-1] == "KeyError: 'seen'"


def test_an_answer_that_is_none_is_the_policy_s_failure_too():
    env = TesseraVectorEnv(2, "classic", autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(ValueError, match=r"^actions: float64") as caught:
        play(env, Failing(1, answer=0.5), 2, 5, lambda _: None)
    assert failure_of(caught.value) == "failed while policy 'mine' played worlds 0, 1 of 2, in call 2"


def test_an_episode_played_for_its_log():
    with pytest.raises(KeyError) as caught:
        play_episode(load_scenario("classic"), Failing(0), seed=3, world=7)
    assert (failure_of(caught.value) or "").startswith("failed while policy 'mine' played world 7, at hour ")


def test_nothing_is_said_of_other_errors():
    assert failure_of(ValueError("else")) is None
    with pytest.raises(KeyboardInterrupt) as stopped, noting("mine", lambda: "here"):
        raise KeyboardInterrupt
    assert failure_of(stopped.value) is None


@pytest.mark.parametrize("command", ["evaluate", "simulate"])
def test_on_the_command_line(command, tmp_path, monkeypatch, capsys):
    """One line, and the traceback of the user's own code alone."""
    (tmp_path / "own_failing.py").write_text(FAILING)
    monkeypatch.syspath_prepend(tmp_path)
    policies = "on_demand_only,own_failing:Failing:after=1"
    assert main([command, "--scenario", "deadline", "--episodes", "2", "--policies", policies]) == 1
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if not line.startswith("compiling")]
    assert out == ""
    assert lines[0] == ("tessera: failed while policy 'own_failing:Failing:after=1' played worlds 0, 1 of 2, in call 2")
    assert lines[1] == "Traceback (most recent call last):"
    assert [line.split(", in ")[1] for line in lines if line.startswith('  File "')] == ["predict", "look_up"]
    assert lines[-1] == "KeyError: 'no such key'"


def test_errors_that_are_no_policy_s_stay_as_they_are(monkeypatch):
    monkeypatch.setattr("tessera_env.cli.evaluate.Evaluate.run", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["evaluate"])
