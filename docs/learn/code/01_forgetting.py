"""Chapter 1: why a plain recurrent network forgets."""

# %% equations
from longshort.cells import RNN, Sizes
from longshort.cells.describe import describe

card = describe(RNN(), Sizes(input=8, hidden=8))
print(card.equations)

# %% reach
import torch

import longshort as ls


def reach(layer, steps=50):
    """Size of the last output's gradient at each input, the latest input first."""
    torch.manual_seed(0)
    x = (1e-6 * torch.randn(steps, 64, 8)).requires_grad_()
    y = layer(x)[0][-1]
    (y * torch.randn_like(y)).sum().backward()
    sizes = x.grad.norm(dim=2).mean(1).flip(0)
    return sizes / sizes[0]


def rnn(scale):
    """A plain network whose recurrent matrix stretches every vector by `scale`."""
    layer = ls.nn.RNN(8, 8)  # starts orthogonal: stretches by 1
    with torch.no_grad():
        layer.weight_hh_l0.mul_(scale)
    return layer


for scale in (0.5, 0.9, 1.0, 1.2):
    sizes = reach(rnn(scale))
    print(f"scale {scale}: {sizes[10]:.0e} after 10 steps, {sizes[40]:.0e} after 40")

# %% vanishing
import matplotlib.pyplot as plt

figure, axis = plt.subplots()
for scale in (0.5, 0.9, 1.0, 1.2):
    axis.semilogy(reach(rnn(scale)), label=f"{scale}")
axis.set(xlabel="steps back", ylabel="gradient, relative", ylim=(1e-8, 1e3))
axis.legend(title="scale")


# %% lstm
def lstm(bias):
    """An LSTM whose forget gates start with this bias."""
    layer = ls.nn.LSTM(8, 8)
    with torch.no_grad():
        layer.bias_ih_l0[8:16] = bias
    return layer


for bias in (0.0, 1.0, 3.0, 5.0):
    sizes, gate = reach(lstm(bias)), torch.sigmoid(torch.tensor(bias))
    print(f"forget bias {bias:.0f}, gate {gate:.3f}: {sizes[40]:.0e} after 40 steps")

# %% clipping
torch.manual_seed(0)
x, layer = torch.randn(40, 16, 8), rnn(2.0)
layer(x)[0][-1].sum().backward()
before = torch.nn.utils.clip_grad_norm_(layer.parameters(), max_norm=1.0)
after = torch.cat([each.grad.flatten() for each in layer.parameters()]).norm()
print(f"norm of all gradients: {before:.0f}, after clipping {after:.1f}")


# %% task
def recall(layer, seed, steps=50):
    """Learn to say the sign of the first number at the end; is it learned?"""
    torch.manual_seed(seed)
    head = torch.nn.Linear(16, 1)
    parameters = [*layer.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=0.01)
    for _ in range(300):
        x = 0.3 * torch.randn(steps, 32, 1)
        x[0] = torch.randint(0, 2, (32, 1)) * 2.0 - 1
        answer = head(layer(x)[0][-1])
        loss = torch.nn.functional.soft_margin_loss(answer, x[0])
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
    return loss.item() < 0.1


# %% compared
starts = {
    "RNN, usual start": lambda: ls.nn.RNN(1, 16, init="torch"),
    "RNN, orthogonal start": lambda: ls.nn.RNN(1, 16),
    "LSTM, usual start": lambda: ls.nn.LSTM(1, 16, init="torch"),
    "LSTM, forget bias 3": lambda: ls.nn.LSTM(1, 16),
}
for name, make in starts.items():
    learned = 0
    for seed in range(3):
        torch.manual_seed(seed)
        layer = make()
        if name.endswith("3"):
            layer.bias_ih_l0.data[16:32] = 3.0
        learned += recall(layer, seed)
    print(f"{name:<22} learned in {learned} of 3 trainings")
