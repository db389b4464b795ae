"""Folders of studies: what they keep, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from longshort.errors import RunError
from longshort.tuning.plan import Candidate
from longshort.tuning.study import RESULTS, Study

from .studies import ladder_plan, result


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    plan = replace(ladder_plan(), candidates=(Candidate(0, {"model.hidden": 3}, None, 0.5),))
    Study.begin(tmp_path / "study", plan)
    assert Study.open(tmp_path / "study").plan == plan


def test_the_same_study_goes_on(tmp_path: Path) -> None:
    Study.begin(tmp_path, ladder_plan()).add(result(0, 0, 0.5))
    assert Study.begin(tmp_path, ladder_plan()).results() == {(0, 0): result(0, 0, 0.5)}


def test_a_line_that_was_cut_off_is_no_result(tmp_path: Path) -> None:
    study = Study.begin(tmp_path, ladder_plan())
    study.add(result(0, 0, 0.5))
    with (tmp_path / RESULTS).open("a") as file:
        file.write('{"trial": 1, "ru')
    assert list(study.results()) == [(0, 0)]
    study.add(result(1, 0, 0.6))
    assert list(study.results()) == [(0, 0), (1, 0)]


def test_a_result_counts_once(tmp_path: Path) -> None:
    study = Study.begin(tmp_path, ladder_plan())
    study.add(result(0, 0, 0.5))
    study.add(result(0, 0, 0.7))
    assert study.results()[0, 0].score == 0.5


def test_a_claim_is_for_one(tmp_path: Path) -> None:
    study = Study.begin(tmp_path, ladder_plan())
    assert study.claim("001") is not None
    assert study.claim("001") is None


def test_a_study_of_other_data_is_refused(tmp_path: Path) -> None:
    Study.begin(tmp_path, ladder_plan())
    with pytest.raises(RunError, match="is a study of other data"):
        Study.begin(tmp_path, replace(ladder_plan(), content="other"))


def test_a_study_of_other_settings_is_refused_and_says_which(tmp_path: Path) -> None:
    Study.begin(tmp_path, replace(ladder_plan(), settings={"train": {"ema": 0.5}}))
    with pytest.raises(RunError, match=r"settings, train.ema; give another folder to --out"):
        Study.begin(tmp_path, replace(ladder_plan(), settings={"train": {"ema": 0.6}}))


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="has files that are no study"):
        Study.begin(tmp_path, ladder_plan())


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file; give another folder"):
        Study.begin(tmp_path / "file", ladder_plan())


def test_what_is_no_study_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no study, as it has no study.toml"):
        Study.open(tmp_path)


@pytest.mark.parametrize("text", ["format_version = 1", "nonsense", 'format_version = "9"'])
def test_a_damaged_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(RunError, match=r"study.toml: (damaged|format_version)"):
        Study.open(tmp_path)
