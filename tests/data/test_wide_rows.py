"""A series in each row, as in M4's files: recognised, said, and read; output stays short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longshort.config import DataConfig
from longshort.data.dataset import Dataset, read_dataset
from longshort.data.findings import Finding, capped
from longshort.errors import DataError
from longshort.runs import story

Write = Callable[[str, str | bytes], Path]


def read(data: object, **settings: object) -> Dataset:
    return read_dataset(data, DataConfig.model_validate(settings))


def numbered(names: list[str], first: str = "V1") -> str:
    """Three series of 12, 10 and 11 values."""
    head = ",".join(f'"{name}"' for name in names)
    rows = (
        ",".join([f'"{series}"', *(str(10 * place + i) for i in range(size))] + [""] * (12 - size))
        for place, (series, size) in enumerate((("H1", 12), ("H2", 10), ("H3", 11)), 1)
    )
    return f'"{first}",{head}\n' + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("first", "names"),
    [("V1", [f"V{i}" for i in range(2, 14)]), ("id", [str(i) for i in range(1, 13)])],
)
def test_numbered_columns_are_steps(first: str, names: list[str], write: Write) -> None:
    dataset = read(write("x.csv", numbered(names, first)))
    panel = dataset.panel
    assert panel.groups == (("H1",), ("H2",), ("H3",))
    assert panel.lengths.tolist() == [12, 10, 11]
    assert panel.target[[0, 12, -1], 0].tolist() == [10.0, 20.0, 40.0]
    assert (str(panel.freq), panel.stamps(0, np.array([0]))) == ("rows", ["1"])
    assert [finding.message for finding in dataset.findings] == [
        f"every row is read as a series, named by {first}, with steps {names[0]} to {names[-1]}"
    ]
    chosen = dataset.config
    assert (chosen.layout, chosen.group, chosen.time) == ("rows", (first,), "step")


def test_dates_across_the_top_are_the_time(write: Write) -> None:
    months = [f"2020-{month:02d}" for month in range(1, 13)]
    panel = read(write("x.csv", numbered(months, "country"))).panel
    assert (str(panel.freq), panel.stamps(0, np.array([0, 11]))) == ("1mo", ["2020-01", "2020-12"])


def test_years_across_the_top_with_two_names_beside(write: Write) -> None:
    head = "Country,Code," + ",".join(str(year) for year in range(1990, 2000))
    rows = "".join(f"{c},{c[:2]}," + ",".join(["1.5"] * 9) + ",2\n" for c in ("Peru", "Chad"))
    panel = read(write("x.csv", f"{head}\n{rows}")).panel
    assert panel.groups == (("Peru", "Pe"), ("Chad", "Ch"))
    assert panel.stamps(1, np.array([9])) == ["1999"]


def test_the_settings_read_the_file_again_and_a_shorter_one(write: Write) -> None:
    names = [f"V{i}" for i in range(2, 14)]
    dataset = read(write("x.csv", numbered(names)))
    again = read_dataset(write("x.csv", numbered(names)), dataset.config)
    assert again.panel.digest() == dataset.panel.digest()
    short = read_dataset(write("y.csv", "V1,V2,V3\nH1,5,6\nH9,7,8\n"), dataset.config)
    assert short.panel.groups == (("H1",), ("H9",))


def test_cells_are_named_by_line_and_column(write: Write) -> None:
    text = numbered([f"V{i}" for i in range(2, 14)]).replace("24", "oops")
    with pytest.raises(DataError, match=r"line 3, column 'V6', column 'value': 'oops' is not a"):
        read(write("x.csv", text))


def test_rows_may_be_asked_for_and_columns_too(write: Write) -> None:
    matrix = write("x.csv", "a1,a2,a3\n1,2,3\n4,5,6\n")
    panel = read(matrix, layout="rows").panel
    assert (panel.groups, panel.target[:, 0].tolist()) == ((("0",), ("1",)), [1, 2, 3, 4, 5, 6])
    wide = write("y.csv", numbered([f"V{i}" for i in range(2, 14)]))
    assert len(read(wide, layout="columns", target="all").panel.schema.target) == 12
    with pytest.raises(DataError, match=r"data\.layout is 'rows', and no columns are called by"):
        read(write("z.csv", "a,b\n1,2\n"), layout="rows")


def test_sensors_beside_a_time_column_stay_columns(write: Write) -> None:
    head = "ds," + ",".join(f"s{i}" for i in range(1, 13))
    rows = "".join(f"2024-01-{day:02d}" + f",{day}" * 12 + "\n" for day in range(1, 20))
    assert len(read(write("x.csv", head + "\n" + rows), target="all").panel.schema.target) == 12


def test_findings_of_one_kind_are_capped(write: Write) -> None:
    head = "ds," + ",".join(f"s{i}" for i in range(1, 101))
    rows = "".join(f"2024-01-{day:02d}" + f",{5 * (day != 9)}" * 100 + "\n" for day in range(1, 20))
    path = write("x.csv", (head + "\n" + rows).replace(",0", ","))
    found = story.check({"data": {"path": str(path), "target": "all"}})
    assert len(found) < 40
    assert [each.message for each in found if each.code == "missing"][-1] == (
        "and 90 more of this kind"
    )


def test_a_few_findings_are_all_shown() -> None:
    few = [Finding("a", "note", str(i)) for i in range(10)]
    assert capped(few) == few


@pytest.mark.slow
def test_m4_is_read(real_data: Path) -> None:
    panel = read(real_data / "m4" / "Hourly-train.csv").panel
    assert (panel.num_groups, panel.num_rows) == (414, 353_500)
    assert panel.target[0, 0] == 605.0
