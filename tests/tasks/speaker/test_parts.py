"""The loss, the pairs and the mixtures of Gaussians, against the same written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from longshort.tasks.speaker.config import SpeakerConfig, SpeakerModel
from longshort.tasks.speaker.gaussians import RELEVANCE, Mixture
from longshort.tasks.speaker.network import VoiceNetwork, speaker_loss
from longshort.tasks.speaker.scoring import losses
from longshort.tasks.speaker.voices import Vectors, identified, trials_of


def test_the_loss_is_ge2es_written_out() -> None:
    torch.manual_seed(0)
    e = torch.nn.functional.normalize(torch.randn(3, 4, 5, dtype=torch.float64), dim=2)
    scale, shift, total = 7.0, -2.0, 0.0
    for j in range(3):
        for i in range(4):
            logits = []
            for k in range(3):
                chosen = [e[k, m] for m in range(4) if not (k == j and m == i)]
                centroid = torch.stack(chosen).mean(0)
                logits.append(scale * torch.cosine_similarity(e[j, i], centroid, 0) + shift)
            total -= float(torch.stack(logits).log_softmax(0)[j])
    found = speaker_loss(e, torch.tensor(scale), torch.tensor(shift))
    assert float(found) == pytest.approx(total / 12)


def test_the_loss_has_the_gradient_of_its_differences() -> None:
    torch.manual_seed(1)
    e = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    scale, shift = torch.tensor(3.0).double(), torch.tensor(-1.0).double()
    assert torch.autograd.gradcheck(lambda x: speaker_loss(x, scale, shift), (e,))


def test_embeddings_have_length_one_and_forget_padding() -> None:
    torch.manual_seed(0)
    network = VoiceNetwork(SpeakerModel(hidden=5, size=6), 3).eval()
    x = torch.randn(9, 2, 3)
    x[6:, 1] = 0.0
    both = network(x, torch.tensor([9, 6]))
    alone = network(x[:6, 1:], torch.tensor([6]))
    torch.testing.assert_close(both[1:], alone)
    torch.testing.assert_close(both.norm(dim=1), torch.ones(2), atol=1e-3, rtol=0)


def test_all_pairs_are_tried_or_all_targets_and_a_drawn_part() -> None:
    speakers = [f"s{i // 3}" for i in range(30)]
    every = trials_of(speakers, 1000, 0)
    assert len(every.one) == 435 and every.is_target.sum() == 30
    part, again, other = (trials_of(speakers, 100, seed) for seed in (0, 0, 1))
    assert part.is_target.sum() == 30 and (~part.is_target).sum() == 100
    assert np.array_equal(part.other, again.other) and not np.array_equal(part.other, other.other)


def test_speakers_are_named_by_what_enrolled_them() -> None:
    x = np.array([[1.0, 0], [0.9, 0.1], [0, 1], [0.8, 0.2], [0.1, 1], [5, 5]])
    right = identified(Vectors(x, x), ["a", "a", "b", "b", "b", "single"], 1)
    assert right.tolist() == [True, False, True]


def test_similarity_is_the_same_in_both_orders() -> None:
    draw = np.random.default_rng(0)
    vectors = Vectors(draw.normal(size=(4, 3)), draw.normal(size=(4, 3)))
    one, other = np.array([0, 1]), np.array([2, 3])
    np.testing.assert_allclose(vectors.similarity(one, other), vectors.similarity(other, one))


def test_the_mean_loss_of_speakers_is_that_of_their_pairs() -> None:
    speakers = ["a", "a", "b", "b"]
    trials = trials_of(speakers, 100, 0)  # 01 02 03 12 13 23
    accepted = np.array([True, True, False, False, False, False])
    np.testing.assert_allclose(losses(speakers, trials, accepted), [1 / 8, 5 / 8])


def test_a_mixture_finds_the_groups_that_there_are() -> None:
    draw = np.random.default_rng(0)
    frames = np.concatenate([draw.normal(-3, 0.5, (600, 2)), draw.normal(3, 1.0, (200, 2))])
    found = Mixture.fit(frames, 2)
    order = np.argsort(found.means[:, 0])
    np.testing.assert_allclose(found.means[order], [[-3, -3], [3, 3]], atol=0.2)
    np.testing.assert_allclose(found.weights[order], [0.75, 0.25], atol=0.02)
    np.testing.assert_allclose(found.variances[order], [[0.25] * 2, [1.0] * 2], atol=0.2)


def test_a_voice_is_adapted_by_its_frames() -> None:
    background = Mixture(np.ones(1), np.zeros((1, 2)), np.ones((1, 2)))
    frames = np.tile([1.0, -2.0], (16, 1))
    model, heard = background.adapted(frames)
    np.testing.assert_allclose(model, np.array([1.0, -2.0]) * 16 / (16 + RELEVANCE))
    np.testing.assert_allclose(heard, [1.0, -2.0])


def test_crops_are_ordered() -> None:
    with pytest.raises(ValueError, match=r"longest = 0\.5 s is shorter than shortest = 0\.8 s"):
        SpeakerConfig.model_validate({"train": {"longest": 0.5}})
