"""The catalogue of instance types: the table, its reader, and pools that leave figures to it."""

from datetime import date
from pathlib import Path

import pytest

from tessera_env.recordings.catalogue import (
    POOL_FIELDS,
    CatalogueError,
    InstanceType,
    instance_types,
    lookup,
    read_instance_types,
)
from tessera_env.scenario.errors import ScenarioError
from tessera_env.scenario.loading import load_scenario
from tessera_env.scenario.market import Pool

HEADER = (
    "cloud,instance_type,gpu,gpu_count,gpu_memory_gb_each,vcpus,network_gbps,network_is_ceiling,disk_mb_per_s,"
    "on_demand_usd_per_h,region,date,source,specs_source"
)
ROW = "AWS,g9.large,T9,2,12.5,8,5,false,100,1.25,us-east-1,2026-01-19,https://a.example/p,https://a.example/s"
POOL = {"name": "a", "zone": "z", "instance_type": "g5.12xlarge", "price": {"source": "constant", "usd_per_h": 1}}
SMALL = {"horizon_h": 48, "decision_interval_s": 600, "notice_s": 0, "task": {"work_h": 1}, "pools": [POOL]}


def table(folder: Path, *lines: str, header: str = HEADER) -> Path:
    """A table of these rows."""
    file = folder / "types.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


def changed(column: str, value: str) -> str:
    """The row with one other value."""
    fields = ROW.split(",")
    fields[HEADER.split(",").index(column)] = value
    return ",".join(fields)


def problem(folder: Path, *lines: str, header: str = HEADER) -> str:
    """The text of the error that reading a table raises."""
    with pytest.raises(CatalogueError) as caught:
        read_instance_types(table(folder, *lines, header=header))
    return str(caught.value)


# ---- the table


def test_the_table_has_the_three_clouds_and_one_to_eight_gpus():
    types = instance_types()
    assert len(types) >= 30
    by_cloud = {cloud: [kind for kind in types.values() if kind.cloud == cloud] for cloud in ("AWS", "GCP", "Azure")}
    assert all(len(kinds) >= 10 for kinds in by_cloud.values())
    for kinds in by_cloud.values():
        assert {kind.gpu_count for kind in kinds} >= {1, 2, 4, 8} - ({2} if kinds[0].cloud == "AWS" else set())
    assert [name for name, kind in types.items() if kind.instance_type != name] == []


@pytest.mark.parametrize("kind", instance_types().values(), ids=lambda kind: kind.instance_type)
def test_each_row_is_plausible(kind):
    """GPUs have the memory they are sold with, cost what such GPUs cost, and were priced in the last years."""
    memory_gb = {"T4": {16}, "A10": {24}, "A10G": {24}, "L4": {24}, "L40S": {48}, "V100": {16, 32}, "H200": {141}}
    memory_gb |= {"A100": {40, 80}, "H100": {80, 94}}
    assert kind.gpu_memory_gb_each in memory_gb[kind.gpu]
    assert 0.2 < kind.on_demand_usd_per_h / kind.gpu_count < 13.0
    assert date(2023, 1, 1) < kind.date < date(2027, 1, 1)
    assert kind.region in ("us-east-1", "us-central1", "eastus")
    assert kind.network_is_ceiling == (kind.cloud != "AWS")


def test_types_of_one_series_cost_the_more_the_larger_they_are():
    for series in (["g4dn.xlarge", "g4dn.12xlarge", "g4dn.metal"], ["a2-highgpu-1g", "a2-highgpu-8g"]):
        prices = [lookup(name).on_demand_usd_per_h for name in series]
        assert prices == sorted(prices)
    for name in ("2g", "4g", "8g"):  # Google bills GPUs, vCPUs and memory, all in proportion
        ratio = lookup(f"a2-highgpu-{name}").on_demand_usd_per_h / lookup("a2-highgpu-1g").on_demand_usd_per_h
        assert ratio == pytest.approx(int(name[0]), rel=1e-6)


def test_lookup_gives_the_figures():
    kind = lookup("p3.2xlarge")
    assert (kind.gpu, kind.gpu_count, kind.gpu_memory_gb_each, kind.on_demand_usd_per_h) == ("V100", 1, 16.0, 3.06)
    assert lookup("g5.12xlarge").gpu_memory_mb == 4 * 24_000
    assert lookup("g2-standard-4").disk_mb_per_s is None
    assert instance_types() is instance_types()
    with pytest.raises(TypeError):
        instance_types()["mine"] = kind
    with pytest.raises(AttributeError):
        kind.gpu_count = 3


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("g5.12xlage", "(nearest: g5.12xlarge, "),
        ("Standard_NC24ads_A100_v5", "(nearest: Standard_NC24ads_A100_v4"),
        ("?", "(see data/catalogue/instance_types.csv)"),
    ],
)
def test_lookup_of_an_unknown_name_hints_at_the_nearest(name, hint):
    with pytest.raises(CatalogueError) as caught:
        lookup(name)
    assert str(caught.value).startswith(f"instance_type: the catalogue has no instance type {name!r} {hint}")


# ---- its reader


def test_a_row_becomes_a_type(tmp_path):
    kind = read_instance_types(table(tmp_path, ROW))["g9.large"]
    addresses = ("https://a.example/p", "https://a.example/s")
    assert kind == InstanceType(
        "AWS", "g9.large", "T9", 2, 12.5, 8, 5.0, False, 100.0, 1.25, "us-east-1", date(2026, 1, 19), *addresses
    )
    assert kind.gpu_memory_mb == 25_000.0


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("cloud", "aws", "one of AWS, GCP, Azure"),
        ("instance_type", "", "letters, digits"),
        ("gpu_count", "0", "a whole number from 1 to 16"),
        ("gpu_count", "2.5", "a whole number from 1 to 16"),
        ("gpu_memory_gb_each", "", "a number from 1 to 1000"),
        ("network_gbps", "nan", "a number from 0.1 to 10000"),
        ("network_gbps", "1_0", "a number from 0.1 to 10000"),
        ("network_is_ceiling", "True", "one of true, false"),
        ("disk_mb_per_s", "0", "a number from 1 to 1e+06, or blank"),
        ("on_demand_usd_per_h", "-1", "a number from 0.01 to 10000"),
        ("on_demand_usd_per_h", "inf", "a number from 0.01 to 10000"),
        ("date", "2026-02-30", "a day such as 2026-01-19"),
        ("date", "20260119", "a day such as 2026-01-19"),
        ("source", "http://a.example", "an address that starts with https://"),
    ],
)
def test_a_bad_value_is_named_by_line_and_column(tmp_path, column, value, allowed):
    text = problem(tmp_path, ROW, changed(column, value).replace("g9.large", "g9.huge"))
    assert f"types.csv: line 3: {column}: must be {allowed}" in text
    assert f"(got {value!r})" in text
    assert "\n" not in text


def test_other_problems_of_a_table(tmp_path):
    assert "line 3: instance_type: must be a value that no row before has" in problem(tmp_path, ROW, ROW)
    assert "line 2: row: must be 14 fields (got 13)" in problem(tmp_path, ROW.rsplit(",", 1)[0])
    assert "line 1: header: must be cloud,instance_type" in problem(tmp_path, ROW, header=HEADER.replace("gpu,", ""))
    assert "has no rows" in problem(tmp_path)
    text = problem(tmp_path, *[changed("gpu_count", "x")] * 30)
    assert len(text.splitlines()) == 21 and text.endswith("and 10 more")


# ---- pools of a scenario


def test_a_pool_takes_what_it_leaves_out_from_its_type(tmp_path):
    loaded = load_scenario(SMALL)
    pool = loaded.pools[0]
    assert (pool.gpu_memory_mb, pool.bandwidth_gbps, pool.on_demand_usd_per_h) == (96_000.0, 40.0, 5.672)
    assert set(POOL_FIELDS) <= loaded.model_dump()["pools"][0].keys()
    assert load_scenario(loaded.model_dump(mode="json")) == loaded
    file = tmp_path / "mine.toml"
    file.write_text(
        'horizon_h = 48\ndecision_interval_s = 600\nnotice_s = 0\ntask = { work_h = 1 }\n[[pools]]\nname = "a"\n'
        'zone = "z"\ninstance_type = "g5.12xlarge"\nprice = { source = "constant", usd_per_h = 1 }\n'
    )
    assert load_scenario(file).pools == loaded.pools


def test_what_a_pool_gives_wins():
    pool = load_scenario(SMALL, **{"pools.0.on_demand_usd_per_h": 7}).pools[0]
    assert (pool.gpu_memory_mb, pool.bandwidth_gbps, pool.on_demand_usd_per_h) == (96_000.0, 40.0, 7.0)
    assert POOL.keys() == {"name", "zone", "instance_type", "price"}, "the caller's mapping is left alone"


def test_overriding_the_type_of_a_mapping_takes_the_new_type_s_figures():
    assert load_scenario(SMALL, **{"pools.*.instance_type": "p3.2xlarge"}).pools[0].gpu_memory_mb == 16_000.0
    loaded = load_scenario(load_scenario(SMALL), **{"pools.*.instance_type": "p3.2xlarge"})
    assert loaded.pools[0].gpu_memory_mb == 96_000.0, "a loaded scenario has figures of its own"


def test_an_unknown_type_needs_its_figures():
    with pytest.raises(ScenarioError) as caught:
        load_scenario(SMALL, **{"pools.0.instance_type": "g5.12xlage"})
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == ["pools.0.gpu_memory_mb", "pools.0.on_demand_usd_per_h"]
    assert all(
        "must be given: the catalogue has no instance type 'g5.12xlage' (nearest: g5.12" in line for line in lines
    )
    mine = {"pools.0.instance_type": "mine", "pools.0.gpu_memory_mb": 1000, "pools.0.on_demand_usd_per_h": 1}
    assert load_scenario(SMALL, **mine).pools[0].bandwidth_gbps == Pool.model_fields["bandwidth_gbps"].default


def test_other_mistakes_in_a_pool_are_still_told():
    with pytest.raises(ScenarioError) as caught:
        load_scenario(SMALL, **{"pools.0.instance_type": 5})
    assert "pools.0.instance_type: must be text (got 5)" in str(caught.value)
    with pytest.raises(ScenarioError, match=r"pools\.0: must be a section"):
        load_scenario({**SMALL, "pools": ["g5.xlarge"]})


def test_a_long_name_is_cut():
    with pytest.raises(CatalogueError) as caught:
        lookup("x" * 10_000)
    assert len(str(caught.value)) < 200
