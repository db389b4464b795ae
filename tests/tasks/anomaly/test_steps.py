"""Sessions of a causal detector: judged from the state, as the whole series is."""

from __future__ import annotations

import polars as pl
import pytest

from longshort.runs import story, trained
from longshort.tasks.anomaly.steps import SeriesStream
from tests.tiny_runs import small


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> trained.AnyTrained:
    settings, data = small("anomaly")
    settings["alarm"] = {"causal": True}
    folder = tmp_path_factory.mktemp("causal") / "run"
    story.run(settings, folder, data=data)
    return trained.load(folder)


def test_a_causal_detector_goes_on_from_its_state(causal: trained.AnyTrained) -> None:
    assert isinstance(causal._stepper, SeriesStream)
    frame = small("anomaly")[1]
    assert isinstance(frame, pl.DataFrame)
    session, first = causal.session(), frame.head(120)
    expected = causal.table(causal.read(first.select("ds", "y"))).to_dicts()
    for number, row in enumerate(first.select("ds", "y").to_dicts()):
        if number in (40, 41, 42):  # what is left out counts as missing in both
            continue
        answer = session.step({"ds": row["ds"].isoformat(), "y": row["y"]})
        if number < 40:
            for name in ("expected_y", "score", "p", "threshold", "alarm"):
                wanted = expected[number][name]
                assert answer[name] == (
                    wanted if wanted is None else pytest.approx(wanted, rel=1e-4, abs=1e-5)
                )
    left = first.with_row_index().filter(~pl.col("index").is_in([40, 41, 42]))
    last = causal.table(causal.read(left.select("ds", "y"))).to_dicts()[-1]
    assert answer["score"] == pytest.approx(last["score"], rel=1e-4)
    assert answer["alarm"] == last["alarm"]
    assert causal.session_schema()["remembers"] is None
    back = causal.restore(session.snapshot())
    nothing = {"y": None}
    assert back.step(nothing) == session.step(nothing)
