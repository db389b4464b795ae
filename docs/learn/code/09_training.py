"""Chapter 9: training practice, measured."""

# %% problem
import torch

import longshort as ls


def adding(batch, steps=20, noise=0.0):
    """Numbers [T, B, 2], two of them marked, and their sum [B], with noise."""
    numbers, marks = torch.rand(steps, batch), torch.zeros(steps, batch)
    columns = torch.arange(batch)
    marks[torch.randint(0, steps // 2, (batch,)), columns] = 1
    marks[torch.randint(steps // 2, steps, (batch,)), columns] = 1
    total = (numbers * marks).sum(0) + noise * torch.randn(batch)
    return torch.stack([numbers, marks], 2), total


class Network(torch.nn.Module):
    def __init__(self, units=16, **options):
        super().__init__()
        self.layer, self.head = (
            ls.nn.LSTM(2, units, **options),
            torch.nn.Linear(units, 1),
        )

    def forward(self, x):
        return self.head(self.layer(x)[0][-1])[:, 0]


# %% loop
def fit(network, batches, rate=0.01, adam=None):
    """Train on batches of (x, y); returns the loss of each."""
    adam = adam or torch.optim.Adam(network.parameters(), lr=rate)
    losses = []
    for x, y in batches:
        loss = (network(x) - y).pow(2).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
        losses.append(loss.item())
    return losses


def fresh(updates):
    return (adding(32) for _ in range(updates))


# %% rates
import matplotlib.pyplot as plt

rates = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0]
reached = []
for rate in rates:
    torch.manual_seed(0)
    losses = fit(Network(), fresh(300), rate)
    reached.append(sum(losses[-20:]) / 20)
figure, axis = plt.subplots()
axis.loglog(rates, reached, marker="o")
axis.axhline(1 / 6, color="tab:red", label="always 1")
axis.set(xlabel="learning rate", ylabel="loss after 300 updates")
axis.legend()
best = rates[reached.index(min(reached))]
print("best rate between 0.003 and 0.03:", 0.003 <= best <= 0.03)

# %% starts
torch.manual_seed(0)
for name, layer in {
    "ls.nn.LSTM": ls.nn.LSTM(8, 16),
    "torch.nn.LSTM": torch.nn.LSTM(8, 16),
}.items():
    stretch = torch.linalg.svdvals(
        layer.weight_hh_l0[:16]
    ).detach()  # the input gate's R
    bias = (layer.bias_ih_l0 + layer.bias_hh_l0)[16:32].mean().item()
    print(
        f"{name:<14} R stretches by {stretch.min():.1f} to {stretch.max():.1f}", end=""
    )
    print(f", forget bias {abs(round(bias))}")


# %% overfitting about
def overfit(units, **options):
    """Learn 150 noisy examples by heart; returns losses, and the best epoch."""
    torch.manual_seed(0)
    train, val = adding(150, 10, noise=0.2), adding(1000, 10, noise=0.2)
    network, curves = Network(units, **options), []
    adam = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(250):
        network.train()
        (loss,) = fit(network, [train], adam=adam)
        network.eval()
        with torch.no_grad():
            curves.append((loss, (network(val[0]) - val[1]).pow(2).mean().item()))
    return curves, min(range(250), key=lambda n: curves[n][1])


curves, best = overfit(64)
print(f"last epoch: training {curves[-1][0]:.3f}, validation {curves[-1][1]:.3f}")
print(f"best epoch: validation {curves[best][1]:.3f}")

# %% curves
figure, axis = plt.subplots()
axis.semilogy([loss for loss, _ in curves], label="training")
axis.semilogy([loss for _, loss in curves], label="validation")
axis.axvline(best, color="0.5", linestyle="--", label="best epoch")
axis.set(xlabel="epochs", ylabel="loss")
axis.legend()

# %% units about
for units in (4, 16, 64, 128):
    curves, best = overfit(units)
    print(f"{units:>3} units: best {curves[best][1]:.3f}, last {curves[-1][1]:.3f}")

# %% dropout
kinds = {
    "between layers": {"num_layers": 2, "dropout": 0.3},
    "one mask per sequence (Gal)": {"recurrent_dropout": 0.3},
    "on the candidate (Semeniuta)": {"recurrent_dropout": "semeniuta:0.3"},
    "on recurrent weights (AWD)": {"weight_dropout": 0.3},
    "zoneout": {"zoneout": 0.1},
}
x, _ = adding(4)
for name, options in kinds.items():
    layer = ls.nn.LSTM(2, 16, **options)
    noisy = not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    calm = torch.equal(layer(x)[0], layer(x)[0])
    print(f"{name:<29} random in training: {noisy}, in evaluation: {not calm}")
