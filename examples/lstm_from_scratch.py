"""An LSTM written by hand: forward, backpropagation through time, a gradient check, training.

It needs only numpy. The equations beside the code are those that `longshort cell LSTM` prints (for
peepholes: `--set peephole=true`); there they are derived automatically, here by hand. z_k is the
preactivation of gate k, the argument of its σ or tanh.

    python examples/lstm_from_scratch.py

Shapes: T time steps, B batch, I input size, H hidden size. A row of an array is one sequence, so
W x_t is written x[t] @ W.T. δv means ∂L/∂v and is called dv.
"""

from __future__ import annotations

import numpy as np

GATES = ("i", "f", "g", "o")  # input gate, forget gate, candidate, output gate: torch's order


def sigmoid(a):
    """1 / (1 + exp(-a)), written so that nothing overflows."""
    return 0.5 * (np.tanh(0.5 * a) + 1.0)


def start(inputs, hidden, peephole=False, seed=0):
    """Return initial parameters by name: W [4H, I], R [4H, H], b [4H], p_i, p_f, p_o [H]."""
    draw = np.random.default_rng(seed)
    W = draw.uniform(-1, 1, (4 * hidden, inputs)) * np.sqrt(6 / (inputs + hidden))
    R = np.vstack([np.linalg.qr(draw.normal(size=(hidden, hidden)))[0] for _ in GATES])
    b = np.zeros(4 * hidden)
    b[hidden : 2 * hidden] = 1.0  # forget gates start open, so that gradients reach far back
    p = {f"p_{gate}": np.zeros(hidden) for gate in "ifo"} if peephole else {}
    return {"W": W, "R": R, "b": b, **p}


def forward(params, x, h, c, mask=None):
    """Return outputs y [T, B, H], the last state (h, c), and the tape.

    x [T, B, I]; h, c [B, H]: the initial state. mask [T, B] is 1 within a sequence and 0 past its
    end, where y is 0 and the state stays. The tape has the values of every step that the backward
    pass needs.
    """
    W, R, b = params["W"], params["R"], params["b"]
    p_i, p_f, p_o = (params.get(f"p_{gate}", 0.0) for gate in "ifo")
    mask = np.ones(x.shape[:2]) if mask is None else mask
    y, tape = [], []
    for t in range(len(x)):
        z_i, z_f, z_g, z_o = np.split(x[t] @ W.T + h @ R.T + b, 4, axis=1)
        i = sigmoid(z_i + p_i * c)  #    i_t = σ(W_i x_t + R_i h_{t-1} + p_i ⊙ c_{t-1} + b_i)
        f = sigmoid(z_f + p_f * c)  #    f_t = σ(W_f x_t + R_f h_{t-1} + p_f ⊙ c_{t-1} + b_f)
        g = np.tanh(z_g)  #              g_t = tanh(W_g x_t + R_g h_{t-1} + b_g)
        c_t = f * c + i * g  #           c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
        o = sigmoid(z_o + p_o * c_t)  #  o_t = σ(W_o x_t + R_o h_{t-1} + p_o ⊙ c_t + b_o)
        h_t = o * np.tanh(c_t)  #        h_t = o_t ⊙ tanh(c_t)

        on = mask[t][:, None]
        tape.append((x[t], h, c, i, f, g, o, c_t, on))
        y.append(on * h_t)  #            y_t = h_t
        h, c = on * h_t + (1 - on) * h, on * c_t + (1 - on) * c
    return np.array(y), (h, c), tape


def backward(params, tape, dy, dh, dc):
    """Return the gradients of all arguments of `forward`.

    dy is ∂L/∂y [T, B, H]; dh, dc [B, H] are the gradients of the last state. Time runs backwards,
    and so do the lines: each differentiates one line of `forward`. A value that is used in two
    places gets a gradient from both, hence the +=. When a step begins, dh and dc are the gradients
    from step t+1.
    """
    W, R = params["W"], params["R"]
    p_i, p_f, p_o = (params.get(f"p_{gate}", 0.0) for gate in "ifo")
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dx = []
    for t in reversed(range(len(tape))):
        x, h, c, i, f, g, o, c_t, on = tape[t]
        dh_around, dc_around = (1 - on) * dh, (1 - on) * dc  # past the end the state stays
        dh, dc = on * dh, on * dc
        dh = dh + on * dy[t]  #                     δh_t += ∂L/∂y_t
        do = dh * np.tanh(c_t)  #                   δo_t  = δh_t ⊙ tanh(c_t)
        dz_o = do * o * (1 - o)  #                  δz_o  = δo_t ⊙ o_t ⊙ (1 - o_t)
        dc = dc + dh * o * (1 - np.tanh(c_t) ** 2)  #   δc_t += δh_t ⊙ o_t ⊙ (1 - tanh(c_t)²)
        dc = dc + dz_o * p_o  #                     δc_t += δz_o ⊙ p_o
        di = dc * g  #                              δi_t  = δc_t ⊙ g_t
        df = dc * c  #                              δf_t  = δc_t ⊙ c_{t-1}
        dg = dc * i  #                              δg_t  = δc_t ⊙ i_t
        dz_i = di * i * (1 - i)  #                  δz_i  = δi_t ⊙ i_t ⊙ (1 - i_t)
        dz_f = df * f * (1 - f)  #                  δz_f  = δf_t ⊙ f_t ⊙ (1 - f_t)
        dz_g = dg * (1 - g**2)  #                   δz_g  = δg_t ⊙ (1 - g_t²)

        dz = np.hstack([dz_i, dz_f, dz_g, dz_o])
        grads["W"] += dz.T @ x  #                   ∂L/∂W_k = Σ_t δz_k x_tᵀ
        grads["R"] += dz.T @ h  #                   ∂L/∂R_k = Σ_t δz_k h_{t-1}ᵀ
        grads["b"] += dz.sum(0)  #                  ∂L/∂b_k = Σ_t δz_k
        if "p_i" in params:
            grads["p_i"] += (dz_i * c).sum(0)  #    ∂L/∂p_i = Σ_t δz_i ⊙ c_{t-1}
            grads["p_f"] += (dz_f * c).sum(0)  #    ∂L/∂p_f = Σ_t δz_f ⊙ c_{t-1}
            grads["p_o"] += (dz_o * c_t).sum(0)  #  ∂L/∂p_o = Σ_t δz_o ⊙ c_t

        dx.append(dz @ W)  #                        δx_t     = W_iᵀ δz_i + … + W_oᵀ δz_o
        dh = dz @ R + dh_around  #                  δh_{t-1} = R_iᵀ δz_i + … + R_oᵀ δz_o
        dc = dc * f + dc_around  #                  δc_{t-1} = δc_t ⊙ f_t
        dc = dc + dz_i * p_i + dz_f * p_f  #                   + δz_i ⊙ p_i + δz_f ⊙ p_f
    return grads, np.array(dx[::-1]), (dh, dc)


def check_gradients(peephole, step=1e-5):
    """Return the largest relative error of the gradients, against central differences."""
    draw = np.random.default_rng(1)
    params = {name: draw.normal(size=value.shape) for name, value in start(2, 4, peephole).items()}
    x, h, c = draw.normal(size=(5, 3, 2)), draw.normal(size=(3, 4)), draw.normal(size=(3, 4))
    mask = (np.arange(5)[:, None] < [5, 3, 1]).astype(float)
    dy, dh, dc = draw.normal(size=(5, 3, 4)), draw.normal(size=(3, 4)), draw.normal(size=(3, 4))

    def loss():
        y, (h_last, c_last), _ = forward(params, x, h, c, mask)
        return (y * dy).sum() + (h_last * dh).sum() + (c_last * dc).sum()

    grads, dx, (dh_0, dc_0) = backward(params, forward(params, x, h, c, mask)[2], dy, dh, dc)
    worst = 0.0
    for value, grad in [*((params[k], grads[k]) for k in params), (x, dx), (h, dh_0), (c, dc_0)]:
        for place in np.ndindex(value.shape):
            kept = value[place]
            value[place] = kept + step
            above = loss()
            value[place] = kept - step
            slope = (above - loss()) / (2 * step)
            value[place] = kept
            worst = max(worst, abs(slope - grad[place]) / (1 + abs(slope)))
    return worst


def adding_problem(draw, batch, length):
    """Return random numbers x [T, B, 2], two of them marked, and the sum [B] of these two."""
    numbers, marks = draw.uniform(0, 1, (length, batch)), np.zeros((length, batch))
    marks[draw.integers(0, length // 2, batch), np.arange(batch)] = 1
    marks[draw.integers(length // 2, length, batch), np.arange(batch)] = 1
    return np.stack([numbers, marks], 2), (numbers * marks).sum(0)


def train(steps=500, batch=64, length=20, hidden=24, rate=0.01, peephole=False):
    """Learn the adding problem with Adam; returns the error on new data before and after."""
    draw = np.random.default_rng(0)
    params = start(2, hidden, peephole) | {"v": np.zeros(hidden), "a": np.zeros(1)}
    mean = {name: np.zeros_like(value) for name, value in params.items()}
    square = {name: np.zeros_like(value) for name, value in params.items()}
    zero, errors = np.zeros((batch, hidden)), []
    for n in range(1, steps + 1):
        x, answer = adding_problem(draw, batch, length)
        y, (h, _), tape = forward(params, x, zero, zero)
        error = h @ params["v"] + params["a"] - answer  # v and a read the last state
        errors.append(np.mean(error**2))
        d = 2 * error / batch
        grads, _, _ = backward(params, tape, np.zeros_like(y), np.outer(d, params["v"]), zero)
        grads |= {"v": d @ h, "a": d.sum(keepdims=True)}
        for name, grad in grads.items():
            mean[name] += 0.1 * (grad - mean[name])
            square[name] += 0.001 * (grad**2 - square[name])
            size = np.sqrt(square[name] / (1 - 0.999**n)) + 1e-8
            params[name] -= rate * mean[name] / (1 - 0.9**n) / size
    return float(np.mean(errors[:5])), float(np.mean(errors[-20:]))


if __name__ == "__main__":
    print(f"gradient check: error {check_gradients(peephole=False):.0e}")
    print(f"gradient check with peepholes: error {check_gradients(peephole=True):.0e}")
    before, after = train()
    print(f"adding problem: mean squared error {before:.3f}, after training {after:.5f}")
    print("always answering 1, which needs no memory, has 0.167")
