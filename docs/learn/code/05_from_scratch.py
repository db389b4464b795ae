"""Chapter 5: an LSTM in numpy that learns the adding problem."""

# %% problem
import numpy as np

draw = np.random.default_rng(0)


def adding(batch, steps=20):
    """Numbers [T, B, 2], two of them marked, and the sum [B] of these two."""
    numbers, marks = draw.uniform(0, 1, (steps, batch)), np.zeros((steps, batch))
    columns = np.arange(batch)
    marks[draw.integers(0, steps // 2, batch), columns] = 1
    marks[draw.integers(steps // 2, steps, batch), columns] = 1
    return np.stack([numbers, marks], 2), (numbers * marks).sum(0)


x, total = adding(1, steps=6)
print(np.round(x[:, 0].T, 2), " sum", np.round(total, 2))
print(
    f"always answering 1: mean squared error {np.mean((adding(20000)[1] - 1) ** 2):.3f}"
)

# %% start
H = 24
sizes = {"W": (4 * H, 2), "R": (4 * H, H), "b": (4 * H,), "v": (H,), "a": (1,)}
params = {name: draw.normal(size=size) / np.sqrt(H) for name, size in sizes.items()}
params["R"] = np.vstack([np.linalg.qr(draw.normal(size=(H, H)))[0] for _ in range(4)])
params["b"] = np.repeat([0.0, 1.0, 0.0, 0.0], H)  # i, f, g, o: forget bias 1
print(sum(value.size for value in params.values()), "weights")


# %% forward
def forward(p, x):
    """Answers [B], the last h, and the tape."""
    h = c = np.zeros((x.shape[1], H))
    tape = []
    for x_t in x:
        z = np.split(x_t @ p["W"].T + h @ p["R"].T + p["b"], 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-z[k])) for k in (0, 1, 3))
        g = np.tanh(z[2])
        before, c = c, f * c + i * g
        tape.append((x_t, h, before, c, i, f, g, o))
        h = o * np.tanh(c)
    return h @ p["v"] + p["a"], h, tape


# %% backward
def backward(p, h, tape, d):
    """Gradients by name; d [B] is the gradient of the answers."""
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    grads["v"], grads["a"] = d @ h, d.sum(keepdims=True)
    dh, dc = np.outer(d, p["v"]), np.zeros_like(h)
    for x_t, before_h, before_c, c, i, f, g, o in reversed(tape):
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        dz_i, dz_f = dc * g * i * (1 - i), dc * before_c * f * (1 - f)
        dz_g, dz_o = dc * i * (1 - g**2), dh * np.tanh(c) * o * (1 - o)
        dz = np.hstack([dz_i, dz_f, dz_g, dz_o])
        grads["W"] += dz.T @ x_t
        grads["R"] += dz.T @ before_h
        grads["b"] += dz.sum(0)
        dh, dc = dz @ p["R"], dc * f
    return grads


# %% check
x, total = adding(3, steps=5)
answer, h, tape = forward(params, x)
grads = backward(params, h, tape, 2 * (answer - total) / 3)
worst = 0.0
for name, value in params.items():
    place = tuple(draw.integers(0, size) for size in value.shape)
    kept, losses = value[place], []
    for step in (1e-5, -1e-5):
        value[place] = kept + step
        losses.append(np.mean((forward(params, x)[0] - total) ** 2))
    value[place] = kept
    worst = max(worst, abs((losses[0] - losses[1]) / 2e-5 - grads[name][place]))
print("derived gradients equal finite differences:", worst < 1e-8)

# %% train
mean = {name: np.zeros_like(value) for name, value in params.items()}
square = {name: np.zeros_like(value) for name, value in params.items()}
errors = []
for n in range(1, 501):
    x, total = adding(64)
    answer, h, tape = forward(params, x)
    errors.append(np.mean((answer - total) ** 2))
    grads = backward(params, h, tape, 2 * (answer - total) / 64)
    for name, grad in grads.items():  # Adam (Kingma & Ba, 2015)
        mean[name] += 0.1 * (grad - mean[name])
        square[name] += 0.001 * (grad**2 - square[name])
        size = np.sqrt(square[name] / (1 - 0.999**n)) + 1e-8
        params[name] -= 0.01 * mean[name] / (1 - 0.9**n) / size

# %% result
import matplotlib.pyplot as plt

x, total = adding(2000)
error = np.mean((forward(params, x)[0] - total) ** 2)
print("error on new data below a tenth of the baseline's:", error < 0.0167)
figure, axis = plt.subplots()
axis.semilogy(np.convolve(errors, np.ones(10) / 10, "valid"), label="LSTM")
axis.axhline(1 / 6, color="tab:red", label="always 1")
axis.set(xlabel="updates", ylabel="mean squared error")
axis.legend()

# %% longer
for steps in (20, 40, 80):
    x, total = adding(2000, steps)
    print(f"{steps} steps: error {np.mean((forward(params, x)[0] - total) ** 2):.3f}")
