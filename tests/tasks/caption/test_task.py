"""Captioning: what is learned from features, and what is said about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longshort.data.splits import Given
from longshort.errors import ConfigError, DataError
from longshort.runs import story, trained
from longshort.tasks.caption.config import CaptionText
from longshort.tasks.caption.encoder import encode, fit_encoder
from longshort.tasks.caption.features import Features
from longshort.tasks.caption.samples import Captioned, captioned_of
from longshort.tasks.caption.task import NO_ATTENTION
from tests.captions import THINGS, shapes

SETTINGS: dict[str, Any] = {
    "task": "caption",
    "model": {"hidden": 32, "dropout": 0.1},
    "train": {"max_epochs": 12, "threads": 1, "learning_rate": 0.02, "batch_size": 16},
}


def without(samples: Captioned, what: str) -> Captioned:
    return replace(samples, features=replace(samples.features, **{what: None}))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caption") / "run"
    settings = {**SETTINGS, "evaluate": {"without_attention": True}}
    story.run(settings, folder, data=shapes(400))
    return folder


def scores_of(folder: Path) -> Any:
    return json.loads((folder / "scores.json").read_text())


def test_captions_are_learned(learned: Path) -> None:
    scores = scores_of(learned)
    model = scores["test"]["model"]
    assert model["bleu4"] > 90 and model["bleu1"] > 90
    assert scores["outcome"] == "better"
    baselines = scores["test"]["baselines"]
    assert baselines.keys() == {"frequent", "constant", "nearest", "consensus"}
    assert model["bleu4"] > scores["test"]["variants"][NO_ATTENTION]["bleu4"] + 10
    assert "Attention helps: BLEU-4" in scores["verdict"]


def test_new_images_are_captioned_by_what_they_show(learned: Path) -> None:
    run, new = trained.load(learned), shapes(60, seed=7)
    texts = run.predict(new).texts
    words = [set(refs[1].lower().split()) - {"there", "is", "a"} for refs in new.references or []]
    right = [wanted <= set(text.split()) for text, wanted in zip(texts, words, strict=True)]
    assert np.mean(right) > 0.9


def test_attention_finds_the_place_of_the_thing(learned: Path) -> None:
    run, new = trained.load(learned), shapes(60, seed=7)
    assert new.features.places is not None
    where = new.features.places.values.max(-1).argmax(-1)
    found = []
    for place, (best, *_) in zip(where, run.predict(new).targets, strict=True):
        assert best.attention is not None and best.attention.shape == (len(best.tokens), 4)
        at = next(step for step, token in enumerate(best.tokens) if token in THINGS)
        found.append(best.attention[at].argmax() == place)
    assert np.mean(found) > 0.8


def test_attention_is_given_by_the_names_of_places(learned: Path) -> None:
    run, new = trained.load(learned), shapes(3, seed=7)
    found = run.attended(new, run.predict(new))
    assert found[0].source == ["0,0", "0,1", "1,0", "1,1"]
    np.testing.assert_allclose(found[0].weights.sum(1), 1, rtol=1e-5)


def test_several_captions_of_an_image(learned: Path) -> None:
    run, new = trained.load(learned), shapes(5, seed=7)
    table = run.ranked(new, 2)
    assert table["log_prob_1"].ge(table["log_prob_2"]).all()
    assert table.filter(table["predicted_1"] == table["predicted_2"]).is_empty()


def test_the_report_shows_where_the_network_looks(learned: Path) -> None:
    page = (learned / "report.html").read_text()
    for title in ("How it writes", "Where it looks", "Typical captions", "Where it is worst"):
        assert title in page


def test_the_run_keeps_where_its_features_are_from(learned: Path) -> None:
    features = json.loads((learned / "data.json").read_text())["features"]
    assert features["features"]["shape"] == [4, 6] and features["global"]["shape"] == [5]
    assert features["features"]["encoder"]


def test_features_of_another_network_are_refused(learned: Path) -> None:
    run, new = trained.load(learned), shapes(5)
    places, whole = new.features.places, new.features.whole
    assert places is not None
    other = replace(places, encoder="another")
    with pytest.raises(DataError, match=r"places \(--features\): they are by another network"):
        run.predict(replace(new, features=Features(other, whole)))
    wide = replace(places, values=np.zeros((5, 4, 7)))
    with pytest.raises(DataError, match=r"the shape is \[4, 7\], the run's is \[4, 6\]"):
        run.predict(replace(new, features=Features(wide, whole)))
    with pytest.raises(DataError, match=r"whole images \(--global\): the run has them"):
        run.predict(without(new, "whole"))


@pytest.mark.parametrize(("lost", "attention"), [("whole", "additive"), ("places", "none")])
def test_either_kind_of_features_is_enough(lost: str, attention: str, tmp_path: Path) -> None:
    settings = {**SETTINGS, "train": {**SETTINGS["train"], "max_epochs": 1}}
    story.run(settings, tmp_path / "run", data=without(shapes(60), lost))
    run = trained.load(tmp_path / "run")
    assert run.config.model.attention == attention
    assert len(run.predict(without(shapes(3), lost)).texts) == 3


def test_attention_without_places_is_refused(tmp_path: Path) -> None:
    settings = {**SETTINGS, "model": {"attention": "general"}}
    with pytest.raises(ConfigError, match=r"model\.attention: 'general' attends to places"):
        story.run(settings, tmp_path / "run", data=without(shapes(60), "places"))


@pytest.mark.parametrize(
    ("section", "key", "value", "reason"),
    [
        ("model", "placement", "before", "is of an attention"),
        ("train", "spread_weight", 1.0, "is of an attention"),
        ("evaluate", "without_attention", True, "there is no attention"),
    ],
)
def test_settings_without_effect_are_refused(
    section: str, key: str, value: object, reason: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"task": "caption", "model": {"attention": "none"}}
    settings[section] = {**settings.get(section, {}), key: value}
    with pytest.raises(ConfigError, match=rf"{section}\.{key}.*{reason}"):
        story.run(settings, tmp_path / "run", data=shapes(60))


def test_captions_count_by_their_agreement_with_the_others() -> None:
    captions = [["a dog runs", "a dog runs fast", "my holiday"], ["one cat"]]
    samples = captioned_of(np.zeros((2, 3, 4)), captions)
    plain, weighted = (
        encode(fit_encoder(samples, CaptionText(), power), samples).weights for power in (0.0, 1.0)
    )
    assert plain.tolist() == [1, 1, 1, 1]
    assert weighted.mean() == pytest.approx(1) and weighted[2] == 0
    assert weighted[3] > weighted[0] == pytest.approx(weighted[1])


def test_own_words_in_training_are_said_and_finish(tmp_path: Path) -> None:
    train = {"max_epochs": 1, "threads": 1, "scheduled_sampling": 1.0}
    settings, said = {"task": "caption", "model": {"hidden": 8}, "train": train}, list[str]()
    story.run(settings, tmp_path / "run", data=shapes(60), say=said.append)
    assert any("the decoder is trained step by step; a batch takes" in line for line in said)


@pytest.mark.parametrize("placement", ["feeding", "before"])
def test_every_placement_trains(placement: str, tmp_path: Path) -> None:
    model = {"hidden": 8, "placement": placement}
    train = {"max_epochs": 1, "threads": 1, "spread_weight": 1.0}
    settings = {"task": "caption", "model": model, "train": train}
    story.run(settings, tmp_path / "run", data=shapes(60))
    assert np.isfinite(scores_of(tmp_path / "run")["test"]["model"]["bleu1"])


def test_the_table_says_which_split(tmp_path: Path) -> None:
    samples = shapes(60)
    named = replace(samples, splits=["train", "val", "test"] * 20)
    found = story.prepare(SETTINGS, Given(named))
    assert found.splits.how == "as the table says"
    assert [len(each) for each in found.splits.by_name().values()] == [20, 20, 20]
    with pytest.raises(DataError, match=r"no image is in the split 'train'"):
        story.prepare(SETTINGS, replace(samples, splits=["test"] * 60))


def test_images_in_the_report(small_run: Callable[[str], Path], tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    samples = shapes(60)
    for number, name in enumerate(samples.images):
        image.new("RGB", (20, 10), (number, 0, 0)).save(tmp_path / name, "JPEG")
    settings = {**SETTINGS, "data": {"images": str(tmp_path)}}
    settings["train"] = {**SETTINGS["train"], "max_epochs": 1}
    story.run(settings, tmp_path / "run", data=samples)
    assert "Images and captions" in (tmp_path / "run" / "report.html").read_text()
