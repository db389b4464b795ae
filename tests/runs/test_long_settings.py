"""Settings for long sequences, which tasks have in common."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from longshort.errors import ConfigError
from longshort.nn.recurrent import Recurrent
from longshort.registry import TASKS
from longshort.runs import story
from tests.jobs import history_of, job_of
from tests.tiny_runs import small

NAMES = [name for name in TASKS.own if name != "frames"]  # whose layers are over maps
TRUNCATING = ("classify", "regress", "tag")


def changed(name: str, **model: Any) -> tuple[dict[str, Any], object]:
    """Settings of a tiny run with others of the network."""
    settings, data = small(name)
    return settings | {"model": settings.get("model", {}) | model}, data


def layers(name: str, **model: Any) -> list[Recurrent]:
    network = job_of(*changed(name, **model)).model.network
    return [each for each in network.modules() if type(each) is Recurrent]


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_has_the_settings(name: str) -> None:
    found = layers(name, checkpoint=50, init="chrono:20")
    assert found and {(each.checkpoint, each.init) for each in found} == {(50, "chrono:20")}


@pytest.mark.parametrize(
    ("name", "lag"),
    [("forecast", 2), ("classify", 4), ("regress", 8), ("anomaly", 100), ("tag", 5), ("lm", 64)],
)
def test_chrono_gets_the_longest_lag_of_the_data(name: str, lag: int) -> None:
    settings, data = changed(name, init="chrono")
    if name == "forecast":
        settings["model"]["patch"] = 3
        lag = 12
    assert story.prepare(settings, data).config.model.init == f"chrono:{lag}"


@pytest.mark.parametrize("name", ["translate", "caption"])
def test_chrono_without_a_lag_is_refused_where_none_is_known(name: str) -> None:
    with pytest.raises(ConfigError, match="write chrono:T"):
        story.prepare(*changed(name, init="chrono"))


@pytest.mark.parametrize("name", TRUNCATING)
def test_truncation_changes_what_is_learned(name: str) -> None:
    assert history_of(*changed(name, truncate=2)) != history_of(*changed(name))


def test_a_checkpoint_changes_no_bit_of_a_run() -> None:
    settings, data = changed("lm")
    settings["train"] = settings["train"] | {"batch_size": 16, "steps_per_epoch": 8}
    plain = history_of(settings, data)
    settings["model"] = settings["model"] | {"checkpoint": 16}
    assert history_of(settings, data) == plain


def test_patches_shorten_what_the_layers_read() -> None:
    (layer,) = layers("regress", patch=3)
    assert layer.input_size == 6
    settings, data = changed("regress", patch=3, init="chrono")
    assert story.prepare(settings, data).config.model.init == "chrono:3"


def test_batch_mates_do_not_matter_to_patches() -> None:
    job = job_of(*changed("regress", patch=3))
    network = job.model.network.eval()
    x = torch.randn(7, 1, 2)
    longer = torch.cat([x, torch.zeros(4, 1, 2)])
    with torch.no_grad():
        alone = network(x, torch.tensor([7]))
        beside = network(longer.expand(-1, 2, -1), torch.tensor([7, 11]))[:1]
    torch.testing.assert_close(alone, beside, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("classify", {"patch": 2}, "model.patch: is of numbers"),
        ("classify", {"init": "orthogonal"}, "recommended, torch, chrono or chrono:T is expected"),
        ("tag", {"truncate": 9, "checkpoint": True}, "set truncate or checkpoint, not both"),
        ("lm", {"truncate": 9}, "truncate"),
        ("lm", {"init": "torch", "init_range": 0.1}, "model.init: is of layers"),
        ("regress", {"checkpoint": 1}, "checkpoint"),
    ],
    ids=str,
)
def test_settings_without_effect_are_refused(
    name: str, model: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        story.prepare(*changed(name, **model))
