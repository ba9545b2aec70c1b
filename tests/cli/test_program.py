"""The command line, as a process: what it prints, what it writes, how it ends."""

import inspect
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pytest
import tyro

from tessera_env.cli import program as cli
from tessera_env.cli.program import COMMANDS, Commands, Group, main
from tessera_env.evaluation.results import Results

FAST = ["evaluate", "--scenario", "deadline", "--episodes", "3", "--set", "task.work_h=3", "--set", "horizon_h=8"]
FAST += ["--set", "task.deadline_h=5"]


def tessera(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "tessera_env", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    done.stderr = without_compiling(done.stderr)
    return done


def without_compiling(stderr: str) -> str:
    """What was said, but for the engine's note that it compiles on its first use."""
    return "".join(line for line in stderr.splitlines(keepends=True) if not line.startswith("compiling"))


def assert_refused(code: int, stderr: str, *reasons: str) -> None:
    stderr = without_compiling(stderr)
    assert code == 2
    assert stderr.startswith("tessera: ")
    assert stderr.count("\n") == 1
    assert "Traceback" not in stderr
    for reason in reasons:
        assert reason in stderr


def test_evaluate(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    done = tessera(*FAST, "--policies", "greedy, on_demand_only", "--json", str(path))
    assert (done.returncode, done.stderr) == (0, "")  # no progress bar: standard error is no terminal
    assert "deadline: 3 episodes, seed 1" in done.stdout
    assert "greedy" in done.stdout
    assert "on_demand_only" in done.stdout
    results = Results.from_json(path)
    assert list(results.tables) == ["greedy", "on_demand_only"]
    assert results.scenario["task"]["deadline_h"] == 5
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    outputs = [tessera(*FAST, "--json", str(tmp_path / name), "--threads", threads) for name, threads in ("a1", "b2")]
    assert [output.returncode for output in outputs] == [0, 0]
    assert outputs[0].stdout == outputs[1].stdout
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_it_never_imports_torch() -> None:
    program = (
        "import sys, tessera_env.cli.program\nassert not {'torch', 'stable_baselines3', 'plotly'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def every_command(commands: Commands = COMMANDS, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each subcommand's words and its class; of groups too their own."""
    for name, command in commands.items():
        yield (*before, name), command
        if isinstance(command, Group):
            yield from every_command(command.commands, (*before, name))


EVERY_COMMAND = dict(every_command())
LEAVES = {words: command for words, command in EVERY_COMMAND.items() if not isinstance(command, Group)}


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def flat(text: str) -> str:
    """The text on one line, without frames."""
    return " ".join(text.replace("│", " ").split())


def test_the_help_lists_the_subcommands_with_a_line_each_and_two_examples(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of((), capsys)
    for name, command in COMMANDS.items():
        summary = command.summary if isinstance(command, Group) else inspect.getdoc(command).splitlines()[0]
        assert f"• {name} {summary}" in flat(text)
    examples = [line.split() for line in text.splitlines() if line.startswith("  tessera ")]
    assert len(examples) == 2
    assert all(example[1] in COMMANDS for example in examples)


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_option_has_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """One that says something: tyro would print an option without any just as well."""
    text, hints = flat(help_of(words, capsys)), get_type_hints(LEAVES[words], include_extras=True)
    for field in fields(LEAVES[words]):
        (argument,) = (extra for extra in hints[field.name].__metadata__ if isinstance(extra, type(tyro.conf.arg())))
        assert argument.help is not None and len(argument.help) > 20, field.name
        assert flat(argument.help) in text, field.name
        assert argument.metavar is not None or get_type_hints(LEAVES[words])[field.name] is bool, field.name


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_help_says_what_the_command_does(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text, command = help_of(words, capsys), EVERY_COMMAND[words]
    assert text.startswith(f"usage: tessera {' '.join(words)} ")
    said = command.summary if isinstance(command, Group) else inspect.getdoc(command)
    assert flat(said) in flat(text)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_the_examples_of_a_help_can_be_parsed(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in help_of(words, capsys).splitlines() if line.startswith("  tessera ")]
    for line in lines:
        assert cli._parse(shlex.split(line)[1:]) is not None


def test_help_of_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--scenario", "deadline-aws", "--policies", "on_demand_fallback:count=3", "--set", "task.work_h"]
    assert all(word in help_of(("evaluate",), capsys) for word in words)


def test_a_group_is_registered_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass(frozen=True)
    class Say:
        """Say a word."""

        word: Annotated[str, tyro.conf.Positional]
        times: int = 1

        def run(self) -> None:
            print(" ".join([self.word] * self.times))

    monkeypatch.setattr(cli, "COMMANDS", {"one": Say, "group": Group("Of many.", {"say": Say, "sing": Say})})
    assert main(["one", "a"]) == 0
    assert main(["group", "say", "b", "--times", "2"]) == 0
    assert capsys.readouterr().out == "a\nb b\n"
    assert "• group Of many." in flat(help_of((), capsys))
    assert "• sing Say a word." in flat(help_of(("group",), capsys))
    for arguments, reason in ((["group"], "say"), (["group", "shout"], "say"), (["say"], "one"), (["one"], "STR")):
        code = main(arguments)
        assert_refused(code, capsys.readouterr().err, reason)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_is_wrong_is_told_without_frames(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    refused = tessera("simulate", "--duratoin", "3", env=environment)
    message = "Unrecognized options: --duratoin, 3 - Perhaps you meant: --duration HOURS (see tessera simulate --help)"
    assert (refused.returncode, refused.stderr) == (2, f"tessera: {message}\n")


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def lack(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tessera_env.evaluation.experiment.Experiment.prepare", lack)
    assert main(["evaluate"]) == 1
    assert capsys.readouterr().err == (
        "tessera: there is not enough memory for this many tasks, points of prices, or worlds at once\n"
    )


@pytest.mark.parametrize(
    ("arguments", "reasons"),
    [
        ([], ["simulate, evaluate"]),
        (["simulat"], ["simulat", "(see tessera --help)"]),
        (["scenarios"], ["list, show", "(see tessera scenarios --help)"]),
        (["evaluate", "simulate"], ["simulate", "(see tessera evaluate --help)"]),
        (["evaluate", "--episode", "3"], ["--episode"]),
        (["evaluate", "--episodes", "many"], ["--episodes", "many"]),
        (["evaluate", "--episodes"], ["--episodes"]),
        (["evaluate", "--episodes", "0"], ["episodes: 0 (allowed: 1 to"]),
        (["evaluate", "--episodes", "-3"], ["episodes"]),
        (["evaluate", "--episodes", "9" * 5_000], ["episodes"]),
        (["evaluate", "--seed", "-1"], ["seed"]),
        (["evaluate", "--threads", "0"], ["threads: 0"]),
        (["evaluate", "--scenario", "deadlin"], ["deadlin", "deadline-aws"]),
        (["evaluate", "--scenario", "missing.toml"], ["missing.toml: no such file"]),
        (["evaluate", "--policies", "greedy,gready"], ["'gready' (allowed: even_spread, fleet_threshold, "]),
        (["evaluate", "--policies", "greedy,"], ["'' (allowed: even_spread, fleet_threshold, "]),
        (["evaluate", "--policies", "runs/none"], ["runs/none: no such folder"]),
        (["evaluate", "--policies", "greedy,greedy"], ["named twice"]),
        (["evaluate", "--baseline", "random"], ["baseline: 'random'"]),
        (["evaluate", "--set", "task.deadline_h"], ["KEY=VALUE"]),
        (["evaluate", "--set", "task.deadline=3"], ["task.deadline", "is not a known key"]),
        (["evaluate", "--set", "task.work_h=-3"], ["task.work_h"]),
        (["evaluate", "--json", "."], ["is a directory"]),
        (["evaluate", "--accounts"], ["accounts: nothing holds them (allowed: with --json FILE)"]),
        (
            ["evaluate", "--scenario", "fleet", "--bound", "--set", "task.count=1001"],
            ["task.count: 1001 (allowed: 1 to"],
        ),
        (
            ["evaluate", "--scenario", "service", "--bound", "--set", "task.count=3", "--set", "task.work_h=2"],
            ["no bound: task.count: 3 tasks beside services (allowed: 0)"],
        ),
        (
            ["evaluate", "--scenario", "service-spothedge", "--optimum", "--set", "notice_s=30"],
            ["no clairvoyant optimum: notice_s: 30 (allowed: 0)"],
        ),
        (["evaluate", "--bound", "--optimum"], ["bound: with the optimum (allowed: one of them"]),
        (["evaluate", "--json", "missing/results.json"], ["there is no directory"]),
        (["evaluate", "--json", "/dev/full"], ["is not a regular file"]),
        (["evaluate", "--json", "/proc/results.json"], ["/proc/results.json"]),
    ],
)
def test_wrong_input_is_told_in_one_line_before_any_work(
    arguments: list[str],
    reasons: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tessera_env.evaluation.experiment.Prepared.run", lambda *_: pytest.fail("work had begun"))
    code = main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    assert_refused(code, err, *reasons)
    assert list(tmp_path.iterdir()) == []


def test_where_no_bound_is_found_all_else_is_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def give_up(*_: object) -> None:
        raise RuntimeError("world 1: not solved")

    files = ["--json", str(tmp_path / "plain.json")], ["--json", str(tmp_path / "a.json")]
    assert main([*FAST, *files[0]]) == 0
    plain = capsys.readouterr().out
    monkeypatch.setattr("tessera_env.evaluation.least.fleet_bound_usd", give_up)
    assert main([*FAST, *files[1], "--html", str(tmp_path / "a.html"), "--bound"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (plain, "tessera: bound: world 1: not solved; all else is as without it\n")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "plain.json").read_bytes()
    assert (tmp_path / "a.html").exists()


def test_an_old_file_survives_wrong_input(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    assert tessera("evaluate", "--policies", "gready", "--json", str(path)).returncode == 2
    assert path.read_text() == "old"


def test_wrong_input_in_a_process_of_its_own() -> None:
    refused = tessera("evaluate", "--episodes", "x")
    assert_refused(refused.returncode, refused.stderr, "--episodes", "x")
    assert refused.stdout == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("arguments", [FAST, ["--help"], ["evaluate", "--help"]])
def test_a_full_disk_behind_standard_output(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tessera_env", *arguments]
    if arguments is FAST:
        command += ["--json", str(tmp_path / "results.json")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert_refused(done.returncode, done.stderr, "standard output: cannot be written (No space left on device)")
    if arguments is FAST:
        assert json.loads((tmp_path / "results.json").read_text())["schema"] == 1  # the work is not lost


def test_a_reader_that_goes_away() -> None:
    command = f"{sys.executable} -m tessera_env {' '.join(FAST)} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert_refused(done.returncode, done.stderr, "standard output", "Broken pipe")


@pytest.mark.parametrize(
    ("work", "options"),
    [
        ("run", ["--scenario", "deadline", "--episodes", "100000"]),
        ("_least", ["--scenario", "fleet", "--episodes", "300", "--policies", "greedy", "--bound"]),
    ],
)
def test_ctrl_c(work: str, options: list[str], tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    ready, writer = os.pipe()
    program = (
        "import os, sys, tessera_env.cli.program as cli\nfrom tessera_env.evaluation.experiment import Prepared\n"
        f"work = Prepared.{work}\nPrepared.{work} = lambda *given: (os.write({writer}, b'.'), work(*given))[1]\n"
        f"sys.exit(cli.main({['evaluate', *options, '--json', str(path)]}))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], pass_fds=[writer], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert os.read(ready, 1) == b"."
    os.close(ready)
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, without_compiling(err)) == (130, "", "tessera: interrupted\n")
    assert list(tmp_path.iterdir()) == []
