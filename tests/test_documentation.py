"""What README and the pages show runs, leads somewhere, and says what the code says."""

import ast
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tessera_env
import train
from benchmarks import documentation
from benchmarks.printed import printed_blocks
from tessera_env.cli.program import COMMANDS
from tessera_env.env import TesseraEnv
from tessera_env.evaluation import statistics
from tessera_env.observation.layout import Layout
from tessera_env.policies import POLICIES
from tessera_env.scenario.loading import load_scenario, preset_names
from tests.import_path import importing_from

ROOT = Path(__file__).parents[1]
ENVIRONMENT = importing_from(ROOT)
PAGES = {
    str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
    for page in [*documentation.pages(), ROOT / "CONTRIBUTING.md"]
}
README = PAGES["README.md"]
MOST_LINES = 180  # of README
FEW = "3"  # episodes of a command that is shown: what it prints of more, `benchmarks.documentation` fills in

DATA = ("toml", "json", "csv")  # with the file's name behind it, which a reader gives it
DIRECTIVES = ("{toctree}", "{include}", "{literalinclude}", "{eval-rst}")


class Fence(NamedTuple):
    """A code block."""

    language: str
    name: str  # of the file that a reader makes of it; mostly empty
    text: str


def fences(text: str) -> list[Fence]:
    """All code blocks of a page, in order; a fence that is not closed makes one to the page's end."""
    found = re.findall(r"^```(\S*) ?(.*)\n((?:(?!```).*(?:\n|\Z))*)(?:```$|\Z)", text, flags=re.MULTILINE)
    return [Fence(*one) for one in found]


def blocks(page: str, language: str) -> list[str]:
    return [fence.text for fence in fences(PAGES[page]) if fence.language == language]


def shell_lines(page: str) -> list[str]:
    return [line.partition("   #")[0].strip() for block in blocks(page, "sh") for line in block.splitlines() if line]


def content(text: str, name: str) -> str:
    """What stands in a block."""
    return text.partition(f"<!-- {name}:begin -->\n")[2].partition(f"<!-- {name}:end -->")[0]


def everywhere(pattern: str) -> set[tuple[str, Any]]:
    """(page, match) of a pattern, on all pages."""
    return {(page, match) for page, text in PAGES.items() for match in re.findall(pattern, text, flags=re.MULTILINE)}


def succeeds(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


# ---- code blocks

# What each subcommand prints, in form.
NUMBER = r"-?[\d,]+(?:\.\d+)?"
FORMS = {
    "simulate": [
        r"^Policy +Cost \(\$\) +Objective \(\$\) +Completed +Preemptions +Checkpoints$",
        rf"^Greedy +{NUMBER} +{NUMBER} +{NUMBER}/\d+ +{NUMBER} +{NUMBER}/{NUMBER} \({NUMBER}h saved\)$",
        rf"^OnDemandOnly +{NUMBER} +{NUMBER} +{NUMBER}/\d+ +0(?:\.0)? +N/A$",
        rf"^Savings against OnDemandOnly:\n  Greedy +{NUMBER} % ",
    ],
    "evaluate": [
        rf"^\w[\w-]*: {FEW} episodes, seed 1$",
        rf"^ greedy +{NUMBER} \[{NUMBER}, {NUMBER}\] +{NUMBER} +baseline",
    ],
    "plot": [r"\.(html|png)"],
    "traces list": [r"aws_v100_2023"],
    "traces show": [r"\bzone\b|us-east-1a_v100_1", r"^Spells that last at least so long"],
    "traces check": [r"(?i)no problem"],
    "traces fit": [r"fitted\.toml"],
    "scenarios list": [rf"^ *{re.escape('fleet-mixed')} "],
    "scenarios show": [r"horizon_h", r"\bh\b"],
    "scenarios fields": [r"^horizon_h +required +h ", r"^\[billing\]"],
}
# Of a scenario with services.
SERVICE_FORMS = {
    **FORMS,
    "simulate": [
        r"^Policy +Cost \(\$\) +Objective \(\$\) +Preemptions$",
        r"^Services +Available +Of on-demand +Outages +Longest +Preemptions +Failed launches$",
        rf"^SpotHedge +{NUMBER} % +{NUMBER} % ",
    ],
    "evaluate": [rf"^\w[\w-]*: {FEW} episodes, seed 1$", rf"^ spot_hedge +{NUMBER} \[{NUMBER}, {NUMBER}\] "],
}
OUTPUTS = ("--output", "--json", "--html", "--log")
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
# Of an environment's page, as Gymnasium's own have them.
SECTIONS = re.findall(r"^ *## (.*)$", TesseraEnv.__doc__ or "", flags=re.MULTILINE)
# Pages with blocks that somebody is to run from top to bottom.
TO_RUN = ["README.md", *sorted(page for page in PAGES if page.startswith("docs/guide/"))]


def kind_of(words: list[str]) -> str:
    """Which subcommand the words behind `tessera` are of."""
    return " ".join(words[:2]) if words[0] in ("traces", "scenarios") else words[0]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_block_is_of_a_kind_that_is_tested(page):
    """Python and commands run, files are read by what runs, and other text is printed by the code."""
    text = PAGES[page]
    for fence in fences(text):
        if fence.language in DATA:
            assert page in TO_RUN and fence.name, f"{page}: {fence}"
        elif fence.language == "text":
            inside = [content(text, name) for name in documentation.block_names(text)]
            assert any(f"```text\n{fence.text}```" in block for block in inside), f"{page}: {fence}"
        else:
            assert fence.language in ("python", "sh", *DIRECTIVES), f"{page}: {fence}"
    # None is left out: not closed, indented, or with other marks.
    assert len(re.findall(r"^\s*(?:```|~~~|:::)", text, flags=re.MULTILINE)) == 2 * len(fences(text))
    assert not re.search(r"\n\n    \S", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("page", sorted(page for page in PAGES if blocks(page, "sh")))
def test_every_command_is_there(page):
    """Those of `tessera`, and training, run below; the others take long, or draw what other tests look at."""
    for line in shell_lines(page):
        words = shlex.split(line)
        if words[0] == "tessera":
            assert page in TO_RUN and kind_of(words[1:]) in FORMS, line
        elif words[0] == "make":
            assert len(words) == 2 and words[1] in TARGETS, line
        elif words[:2] == ["python", "-m"]:
            assert is_module(words[2]), line
        elif words[:3] == [".venv/bin/python", "-m", "pytest"]:
            assert all((ROOT / word).exists() for word in words[3:] if word.startswith("tests/")), line
        else:
            assert words[:2] == ["python", "train.py"] and page in TO_RUN, line


def test_every_subcommand_is_shown():
    commands = [shlex.split(line)[1:] for page in TO_RUN for line in shell_lines(page) if line.startswith("tessera ")]
    assert {kind_of(words) for words in commands} | {"simulate"} == set(FORMS)


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[] if page == "README.md" else pytest.mark.slow) for page in TO_RUN]
)
def test_a_page_runs_from_top_to_bottom(page, tmp_path):
    """In one folder: its files are made, its Python runs as one program, then its commands."""
    used = "".join(text for language in ("python", "sh", "toml") for text in blocks(page, language))
    for fence in fences(PAGES[page]):
        if fence.language in DATA:
            assert fence.name in used, f"{page}: nothing uses {fence.name}"
            (tmp_path / fence.name).write_text(fence.text, encoding="utf-8")
    if code := "\n".join(blocks(page, "python")):
        succeeds(sys.executable, "-W", "error", "-c", code, cwd=tmp_path)
        for written in re.findall(r'(?:write_json|Path)\("([^"]+)"\)', code):
            assert (tmp_path / written).exists(), written
    for line in shell_lines(page):
        if line.startswith("tessera "):
            runs_as_shown(shlex.split(line)[1:], tmp_path)
        elif line.startswith("python train.py "):
            trains(line, tmp_path)


def runs_as_shown(words: list[str], folder: Path) -> None:
    """The command, in few worlds, prints what is expected of its kind, and leaves its files."""
    words = [FEW if before == "--episodes" else word for before, word in zip(["", *words], words, strict=False)]
    written = [words[k + 1] for k, word in enumerate(words) if word in OUTPUTS]
    for name in written:
        (folder / name).unlink(missing_ok=True)
    output = succeeds(sys.executable, "-m", "tessera_env", *words, cwd=folder)
    for form in forms_of(words, folder):
        if "--policies" not in words or "OnDemandOnly" not in form:
            assert re.search(form, output, flags=re.MULTILINE), f"{words}: {form}\n{output}"
    assert all((folder / name).stat().st_size > 100 for name in written), words


def forms_of(words: list[str], folder: Path) -> list[str]:
    """What is printed of tasks, or of services."""
    name = words[words.index("--scenario") + 1] if "--scenario" in words else "classic"
    path = folder / name
    has_services = bool(load_scenario(path if path.is_file() else name).service)
    return (SERVICE_FORMS if has_services else FORMS)[kind_of(words)]


def trains(line: str, folder: Path) -> None:
    """The training command, at a toy's size."""
    line = re.sub(r"--steps \d+", "--steps 128", line)
    of_search = ("pairs=2", "rows=4", "beside={}", "task.count=12")
    toy = ("evaluation_worlds=2", *(of_search if "fleet" in line else ("n_envs=16", "n_steps=8", "batch_size=64")))
    words = [word for setting in toy for word in ("--set", setting)]
    succeeds(sys.executable, str(ROOT / "train.py"), *shlex.split(line)[2:], *words, "--no-report", cwd=folder)
    assert (folder / "runs" / "latest" / "policy.json").is_file()


@pytest.mark.parametrize("page", sorted(page for page in PAGES if page not in TO_RUN and blocks(page, "python")))
def test_other_python_runs(page):
    """The blocks of the environments' pages: each makes one."""
    namespace: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(block, namespace)
    assert namespace["env"]


@pytest.mark.parametrize("page", ["README.md", "docs/guide/command_line.md"])
def test_the_table_of_simulate_is_what_the_command_prints(page):
    shown = content(PAGES[page], "simulate")
    command = re.search(r"`tessera (simulate [^`]+)`", PAGES[page])
    assert command
    assert shown == f"```text\n{printed_by(command[1])}```\n"


@cache
def printed_by(command: str) -> str:
    return succeeds(sys.executable, "-m", "tessera_env", *shlex.split(command), cwd=ROOT)


# ---- printed blocks


@cache
def printed() -> dict[str, str]:
    return printed_blocks()


@pytest.mark.parametrize("page", sorted(page for page in PAGES if documentation.block_names(PAGES[page])))
def test_printed_blocks_are_what_the_code_says(page):
    """After a change of what is printed: `python -m benchmarks.documentation`."""
    assert documentation.refreshed(PAGES[page], printed()) == PAGES[page]


def test_every_block_stands_somewhere_and_is_filled():
    texts = {ROOT / page: text for page, text in PAGES.items() if page != "CONTRIBUTING.md"}
    documentation.check_blocks(texts, printed())
    empty = everywhere(r"^<!-- ([\w-]+):begin -->\n<!-- \1:end -->")
    assert not empty, f"`python -m benchmarks.documentation` fills {empty}"


def test_no_figure_is_left_open():
    """`make train` and `make bench` first, then `python -m benchmarks.documentation`."""
    assert not everywhere("Not measured yet")


def test_every_environment_and_preset_is_listed():
    for page in ("README.md", "docs/reference/scenarios.md", "docs/environments/index.md"):
        rows = re.findall(r"^\| `(Tessera/[\w-]+)` \| `([\w-]+)` \|", PAGES[page], flags=re.MULTILINE)
        assert dict(rows) == tessera_env.ENVIRONMENTS
        assert sorted([*(preset for _, preset in rows), "service-train"]) == preset_names()  # that is to train on


def test_every_environment_has_a_page_with_a_picture():
    for id_, preset in tessera_env.ENVIRONMENTS.items():
        page = f"docs/environments/{preset.replace('-', '_')}.md"
        assert f"(../pictures/{preset}.gif)" in PAGES[page]
        assert f'gym.make("tessera_env:{id_}"' in blocks(page, "python")[0]
        titles = re.findall(r"^## (.*)$", PAGES[page], flags=re.MULTILINE)
        assert [title.title() for title in titles] == SECTIONS


def test_every_policy_is_listed_with_its_options():
    shown = content(PAGES["docs/reference/policies.md"], "policies")
    rows = re.findall(r"^\| `([a-z_]+)` \| (?:`([^`]+)`)? ?\| \S", shown, flags=re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(POLICIES)
    for name, options in rows:
        known = [
            one
            for one in inspect.signature(POLICIES[name]).parameters.values()
            if one.name not in ("layout", "options")
        ]
        assert options == ", ".join(map(option, known))


def option(one: inspect.Parameter) -> str:
    if isinstance(one.default, IntEnum):
        return f"{one.name}={one.default.name.lower()}"
    return one.name if one.name == "seed" else f"{one.name}={one.default}"


def test_the_observation_s_size_is_the_code_s():
    page = PAGES["docs/reference/observation.md"]
    for layout, words in ((Layout(1), "each of P pools"), (Layout.of(1, False, True), "each pool")):
        assert f"{layout.first_pool_index} fields, and {layout.pool_field_count} for {words}" in page


def test_how_the_figures_are_made_is_what_the_code_does():
    text = PAGES["docs/guide/training.md"].replace("\n ", "")
    assert f"worlds, 0 to {train.REPORT_EPISODES - 1} of seed {train.REPORT_SEED}." in text
    assert f"intervals of {statistics.RESAMPLES:,} bootstrap" in text


# ---- what is named


def test_readme_is_short():
    assert len(README.splitlines()) <= MOST_LINES


def test_every_make_target_exists():
    named = {a or b for _, (a, b) in everywhere(r"`make ([\w-]+)`|^make ([\w-]+)")}
    assert {"train", "test", "docs", "bench", "report"} <= named <= TARGETS


def links() -> Iterator[tuple[str, str]]:
    """(page, target) of every link and picture that leads to a file."""
    for page, link in sorted(everywhere(r"\]\(([^)\s]+)\)")):
        if "://" not in link:
            yield page, link


@pytest.mark.parametrize(("page", "link"), list(links()))
def test_every_link_leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    assert target.exists(), f"{page}: {link}"
    if anchor:
        titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert anchor in anchors, f"{page}: {link}"


def named_paths() -> Iterator[tuple[str, str]]:
    """(page, path) of every file and folder that is named; NAME stands for one that a reader writes."""
    for page, path in sorted(everywhere(r"`((?:agents|benchmarks|docs|tessera_env|tests)/[\w./-]*|(?!__)\w+\.py)`")):
        if "NAME" not in path:
            yield page, path


@pytest.mark.parametrize(("page", "path"), list(named_paths()))
def test_every_path_is_there(page, path):
    assert (ROOT / path).exists(), page


def named_functions() -> list[tuple[str, str, str]]:
    """(page, path in the package, name) of every function and class that is named with its file."""
    return sorted((page, *both) for page, both in everywhere(r"`([\w/]+\.py):(\w+)`"))


@pytest.mark.parametrize(("page", "path", "name"), named_functions())
def test_every_function_that_is_named_is_where_it_is_said_to_be(page, path, name):
    tree = ast.parse((ROOT / "tessera_env" / path).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert name in defined, f"{page}: {path}"


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_every_module_named_for_running_exists():
    modules = [module for _, module in everywhere(r"python -m (benchmarks[\w.]*)")]
    (alone,) = everywhere(r"`python -m benchmarks\.speed\.step`, ((?:`\w+`,?\s+)+)alone")
    for module in [*modules, *(f"benchmarks.speed.{name}" for name in re.findall(r"`(\w+)`", alone[1]))]:
        assert is_module(module.rstrip(".")), module


def test_every_subcommand_that_is_named_exists():
    for page, name in everywhere(r"`tessera (\w+)"):
        assert name in COMMANDS, page
