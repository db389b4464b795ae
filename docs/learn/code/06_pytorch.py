"""Chapter 6: define, train and evaluate in PyTorch."""

# %% data
import polars as pl
import torch

import longshort as ls

series = pl.read_csv(ls.example("elnino"))["sst"]
values = torch.tensor(series.to_numpy(), dtype=torch.float32)
a, b = int(0.7 * len(values)), int(0.85 * len(values))
train, val, test = values[:a], values[a:b], values[b:]  # in time, never at random
mean, deviation = train.mean(), train.std()  # of the training part only
print(len(train), len(val), len(test), "months")

# %% windows
LENGTH = 24


def windows(part):
    """Windows of 24 months [T, B, 1] and the change to the month after [B]."""
    scaled = (part - mean) / deviation
    view = scaled.unfold(0, LENGTH + 1, 1)
    return view[:, :-1].T[:, :, None], view[:, -1] - view[:, -2]


x, y = windows(train)
print(tuple(x.shape), tuple(y.shape))


# %% model
class Network(torch.nn.Module):
    """LSTM → linear layer on the last hidden state."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, torch.nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.layer(x)[0][-1])[:, 0]


# %% train
def fit(network, epochs=200, patience=20):
    """Train with early stopping, keep the best weights; returns validation losses."""
    adam = torch.optim.Adam(network.parameters(), lr=0.005)
    (x, y), (x_val, y_val) = windows(train), windows(val)
    best, losses = None, []
    for _ in range(epochs):
        for rows in torch.randperm(len(y)).split(64):
            loss = (network(x[:, rows]) - y[rows]).pow(2).mean()
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adam.step()
        with torch.no_grad():
            losses.append((network(x_val) - y_val).pow(2).mean().item())
        if losses[-1] == min(losses):
            best = {k: v.clone() for k, v in network.state_dict().items()}
        if len(losses) - losses.index(min(losses)) > patience:
            break
    network.load_state_dict(best)
    return losses


torch.manual_seed(0)
network = Network(torch.nn.LSTM(1, 32))
losses = fit(network)
print("stopped early:", len(losses) < 200)


# %% evaluate
def with_one(x):
    return torch.cat([x[:, :, 0].T, torch.ones(x.shape[1], 1)], 1)


weights = torch.linalg.lstsq(with_one(x), y).solution  # of the training windows
x, y = windows(test)
raw = test.unfold(0, LENGTH + 1, 1)
with torch.no_grad():
    errors = {
        "last value": y.abs() * deviation,
        "same month last year": (raw[:, -1] - raw[:, -13]).abs(),
        "linear, 24 months": (with_one(x) @ weights - y).abs() * deviation,
        "LSTM": (network(x) - y).abs() * deviation,
    }
for name, error in errors.items():
    print(f"{name:<21} mean absolute error {error.mean():.2f} °C")

# %% picture
import matplotlib.pyplot as plt

with torch.no_grad():
    forecast = (network(x) + x[-1, :, 0]) * deviation + mean
figure, axis = plt.subplots()
axis.plot(test[LENGTH:][:72], color="0.5", label="observed")
axis.plot(forecast[:72], label="LSTM, one month ahead")
axis.set(xlabel="months", ylabel="sea surface, °C")
axis.legend()

# %% swap
ours = Network(ls.nn.LSTM(1, 32))
ours.load_state_dict(network.state_dict())  # the same names, the same shapes
with torch.no_grad():
    print(
        "largest difference below 1e-6:",
        (ours(x) - network(x)).abs().max().item() < 1e-6,
    )
print(ours.layer.backend_report().splitlines()[0])

# %% lengths
texts = torch.randn(10, 3, 8)  # three sequences, padded to ten steps
layer = ls.nn.LSTM(8, 4, bidirectional=True)
y, (h, c) = layer(texts, lengths=torch.tensor([10, 6, 3]))
alone, (h_alone, _) = layer(texts[:3, 2:])
print("padding changes nothing:", torch.allclose(h[:, 2], h_alone[:, 0], atol=1e-6))
print("outputs past the end:", y[3:, 2].abs().sum().item())
