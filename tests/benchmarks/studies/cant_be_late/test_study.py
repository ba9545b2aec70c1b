"""The kept file says all that was found."""

import json

import pytest

from benchmarks.studies.cant_be_late.study import Studies, StudyError
from tests.benchmarks.studies.cant_be_late.samples import study, table

KEPT = Studies(3, False, "a machine", {"greedy": "greedy"}, (study(greedy=table(1 / 3)), study(trained=())))


def test_what_is_written_is_read_back(tmp_path):
    KEPT.write_json(tmp_path / "kept.json", {"in": "front"})
    found = Studies.from_json(tmp_path / "kept.json")
    assert (found.seed, found.quick, found.machine, found.policies) == (3, False, "a machine", {"greedy": "greedy"})
    for one, other in zip(KEPT.studies, found.studies, strict=True):
        for field in ("title", "note", "zones", "deadlines_h", "changeovers_h", "learned", "rules"):
            assert getattr(one, field) == getattr(other, field)
        assert (one.windows_h == other.windows_h).all()
        for label, columns in one.tables.items():
            for metric, values in columns.items():
                assert (values == other.tables[label][metric]).all()


def broken(tmp_path, change) -> str:
    KEPT.write_json(tmp_path / "kept.json", {})
    values = json.loads((tmp_path / "kept.json").read_text(encoding="utf-8"))
    change(values)
    (tmp_path / "kept.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        Studies.from_json(tmp_path / "kept.json")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def first_window(values, cost: float) -> None:
    values["studies"][0]["tables"]["greedy"]["cost_usd"][0][0][0][0] = cost


def test_other_files_are_refused_in_one_line(tmp_path):
    assert "schema: 7 (allowed: 1)" in broken(tmp_path, lambda values: values.update(schema=7))
    assert "holds no study" in broken(tmp_path, lambda values: values.pop("studies"))
    shortened = broken(tmp_path, lambda values: values["studies"][0]["tables"]["greedy"]["cost_usd"].pop())
    assert "greedy: cost_usd: of shape (1, 2, 2, 12) (allowed: (2, 2, 2, 12), finite numbers)" in shortened
    assert "studies: none" in broken(tmp_path, lambda values: values.update(studies=[]))
    assert "windows_h: must be hours" in broken(tmp_path, lambda values: values["studies"][0].update(windows_h=[]))
    without = broken(tmp_path, lambda values: values["studies"][1]["tables"].pop("uniform_progress"))
    assert without.endswith("kept.json: Hours kept for reports: tables: without uniform_progress, which figures need")
    infinite = broken(tmp_path, lambda values: first_window(values, float("inf")))
    assert "is not JSON (Infinity" in infinite
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    with pytest.raises(StudyError, match="must be a JSON object"):
        Studies.from_json(tmp_path / "list.json")
    with pytest.raises(StudyError, match="missing"):
        Studies.from_json(tmp_path / "missing.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(seed=-1),
        lambda values: values.update(seed="3"),
        lambda values: values.update(quick=1),
        lambda values: values.update(machine=["x" * 9_000]),
        lambda values: values.update(policies={"greedy": 1}),
        lambda values: values["studies"][0].update(zones="ea"),
        lambda values: values["studies"][0].update(deadlines_h=["52", "60"]),
        lambda values: values["studies"][0].update(title=None),
        lambda values: values["studies"][0]["windows_h"][0].__setitem__(0, None),
        lambda values: first_window(values, 10**400),
        lambda values: first_window(values, "x" * 9_000),
        lambda values: values["studies"][0]["tables"].update({"\x1b[31m": values["studies"][0]["tables"]["greedy"]}),
    ],
)
def test_what_is_no_figure_or_name_is_refused_in_a_short_line_with_the_file(tmp_path, change):
    line = broken(tmp_path, change)
    assert line.startswith(f"{tmp_path / 'kept.json'}: ") and len(line) < 500 and line.isprintable()
