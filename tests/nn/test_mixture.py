"""Mixtures of normals: likelihoods beside other libraries' and their own NumPy twin."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from longshort.decoding.mixture import class_nats, draw, mixture_of, point_nats
from longshort.nn.blocks.mixture import MixtureHead, mixture_nats

K, C = 5, 3


def drawn(dtype: torch.dtype = torch.float64, rows: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    outputs = torch.randn(rows, 6 * K + C, generator=draw, dtype=dtype)
    points = 3 * torch.randn(rows, 2, generator=draw, dtype=dtype)
    return outputs, points, torch.randint(C, (rows,), generator=draw)


def covariances(wide: Tensor, steep: Tensor) -> Tensor:
    """Covariances [..., 2, 2] of logarithms of deviations [..., 2] and correlations' atanh."""
    sx, sy, rho = *wide.exp().unbind(-1), steep.tanh()
    return torch.stack([sx * sx, rho * sx * sy, rho * sx * sy, sy * sy], -1).view(*sx.shape, 2, 2)


def test_likelihoods_are_those_of_torchs_distributions() -> None:
    outputs, points, classes = drawn()
    parts = outputs[:, : 6 * K].view(-1, 6, K)
    means, wide = parts[:, 1:3].transpose(1, 2), parts[:, 3:5].transpose(1, 2)
    normals = MultivariateNormal(means, covariances(wide, parts[:, 5]))
    mixture = MixtureSameFamily(Categorical(logits=parts[:, 0]), normals)
    found = mixture_nats(outputs, points, classes, K)
    torch.testing.assert_close(found.points, -mixture.log_prob(points))  # type: ignore[no-untyped-call]
    pens = Categorical(logits=outputs[:, 6 * K :])
    expected = -pens.log_prob(classes)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found.classes, expected)


def test_one_component_is_scipys_normal() -> None:
    outputs = torch.tensor([0.0, 1.0, -2.0, 0.3, -0.4, 0.7, 0.0, 0.0], dtype=torch.float64)
    covariance = covariances(outputs[3:5], outputs[5])
    point = torch.tensor([0.5, -1.0], dtype=torch.float64)
    found = mixture_nats(outputs, point, torch.tensor(0), 1)
    normal = pytest.importorskip("scipy.stats").multivariate_normal
    expected = -normal([1.0, -2.0], covariance.numpy()).logpdf(point.numpy())
    assert float(found.points) == pytest.approx(expected)
    assert float(found.classes) == pytest.approx(np.log(2))


def test_gradients_equal_finite_differences() -> None:
    outputs, points, classes = drawn(rows=4)
    outputs.requires_grad_()
    torch.autograd.gradcheck(lambda o: tuple(mixture_nats(o, points, classes, K)), (outputs,))


def test_numpy_finds_the_same_likelihoods() -> None:
    outputs, points, classes = drawn()
    expected = mixture_nats(outputs, points, classes, K)
    mixture = mixture_of(outputs.numpy(), K)
    found = point_nats(mixture, points.numpy()), class_nats(mixture, classes.numpy())
    np.testing.assert_allclose(found, [each.numpy() for each in expected], rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extreme_outputs_and_far_points_stay_finite(dtype: torch.dtype) -> None:
    outputs = torch.full((6 * K + C,), 1e4, dtype=dtype)
    outputs[:: K + 1] *= -1
    outputs.requires_grad_()
    found = mixture_nats(outputs, torch.tensor([1e4, -1e4]), torch.tensor(1), K)
    (found.points + found.classes).backward()  # type: ignore[no-untyped-call]
    assert found.points.dtype == torch.float32
    assert outputs.grad is not None and outputs.grad.isfinite().all()


def test_the_density_of_a_head_sums_to_one() -> None:
    torch.manual_seed(0)
    head = MixtureHead(4, K, C)
    outputs = head(torch.randn(4)).detach()
    grid = torch.linspace(-12, 12, 400)
    points = torch.cartesian_prod(grid, grid)
    classes = torch.zeros(len(points), dtype=torch.long)
    nats = head.nats(outputs.expand(len(points), -1), points, classes).points
    cell = float(grid[1] - grid[0]) ** 2
    assert float((-nats).exp().sum()) * cell == pytest.approx(1.0, abs=1e-3)


def test_draws_have_the_moments_of_their_component() -> None:
    outputs = np.array([0.0, 1.0, -2.0, 0.3, -0.4, 0.7, 2.0, 0.0])
    rows = np.tile(outputs, (40_000, 1)).astype(np.float32)
    points, classes = draw(mixture_of(rows, 1), np.random.default_rng(0))
    expected = covariances(torch.tensor(outputs[3:5]), torch.tensor(outputs[5])).numpy()
    np.testing.assert_allclose(points.mean(0), [1.0, -2.0], atol=0.03)
    np.testing.assert_allclose(np.cov(points.T), expected, atol=0.05)
    assert classes.mean() == pytest.approx(1 / (1 + np.exp(2.0)), abs=0.01)


def test_a_large_bias_takes_the_middle_of_the_likeliest() -> None:
    outputs, _, _ = drawn()
    mixture = mixture_of(outputs.numpy(), K)
    points, classes = draw(mixture, np.random.default_rng(0), bias=1e4)
    rows = np.arange(len(points))
    np.testing.assert_allclose(points, mixture.means[rows, :, mixture.shares.argmax(1)], atol=1e-9)
    assert (classes == mixture.classes.argmax(1)).all()
