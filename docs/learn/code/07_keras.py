"""Chapter 7: the same models in Keras and here, with weights both ways."""

# %% keras_model
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((28, 28)),  # 28 steps of 28 numbers: an image by rows
        keras.layers.LSTM(128),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
print("keras:", f"{model.count_params():,} parameters")

# %% torch_model
import torch

import longshort as ls


class Network(torch.nn.Module):
    def __init__(self, inputs, units, outputs):
        super().__init__()
        self.layer = ls.nn.LSTM(inputs, units, batch_first=True)
        self.head = torch.nn.Linear(units, outputs)

    def forward(self, x):
        return self.head(self.layer(x)[1][0][-1])  # the last hidden state


network = Network(28, 128, 10)
print("torch:", f"{sum(each.numel() for each in network.parameters()):,} parameters")
print("of which a second bias:", 4 * 128)

# %% from_keras
lstm, dense = model.layers
layer = ls.from_keras(lstm)
x = torch.randn(5, 28, 28)
with torch.no_grad():
    kernel, bias = (torch.tensor(each) for each in dense.get_weights())
    ours = torch.softmax(layer(x)[1][0][-1] @ kernel + bias, dim=1)
theirs = torch.tensor(keras.ops.convert_to_numpy(model(x.numpy())))
print("answers equal to 1e-5:", torch.allclose(ours, theirs, atol=1e-5))

# %% to_keras
small = ls.nn.LSTM(1, 50)
(described,) = ls.to_keras(small)
regressor = keras.Sequential(
    [
        keras.Input((None, 1)),
        keras.layers.deserialize(described.serialized()),
        keras.layers.Dense(1),
    ]
)
first, _ = regressor.layers
first.set_weights(described.weights)
series = torch.randn(2, 12, 1)
with torch.no_grad():
    last = small(series.transpose(0, 1))[0][-1]
theirs = keras.ops.convert_to_numpy(first(series.numpy()))[:, -1]
equal = torch.allclose(last, torch.tensor(theirs), atol=1e-5)
print("hidden states equal to 1e-5:", equal)
print("forget bias of a new layer:", small.bias_ih_l0[50:100].unique().item())

# %% words
table = {
    "return_sequences=False": tuple(small(series.transpose(0, 1))[0][-1].shape),
    "return_sequences=True": tuple(small(series.transpose(0, 1))[0].shape),
    "return_state=True": tuple(small(series.transpose(0, 1))[1][1].shape),
}
for name, shape in table.items():
    print(f"{name:<23} {shape}")

# %% wrong_order
wrong = ls.nn.LSTM(28, 128, batch_first=True)
kernel, recurrent, bias = (torch.tensor(each) for each in lstm.get_weights())
order = [0, 1, 3, 2]  # i, f, o, c, as ONNX has it but for f: Keras has i, f, c, o


def reordered(value):
    return torch.cat([value.chunk(4)[k] for k in order])


with torch.no_grad():
    wrong.weight_ih_l0[:] = reordered(kernel.T)
    wrong.weight_hh_l0[:] = reordered(recurrent.T)
    wrong.bias_ih_l0[:] = reordered(bias)
    distance = (wrong(x)[1][0] - layer(x)[1][0]).abs().max().item()
print("two gates exchanged, no error, largest difference above 0.1:", distance > 0.1)

# %% run about
import numpy as np

draw = np.random.default_rng(0)
numbers, marks = draw.uniform(0, 1, (1200, 10)), np.zeros((1200, 10))
marks[np.arange(1200), draw.integers(0, 5, 1200)] = 1
marks[np.arange(1200), draw.integers(5, 10, 1200)] = 1
sequences, sums = np.stack([numbers, marks], 2), (numbers * marks).sum(1)
settings = {"train.max_epochs": 30, "train.threads": 1}
run = ls.Regressor(hidden=50, settings=settings).fit(
    list(sequences), sums, verbose=False
)
print(run.verdict)
