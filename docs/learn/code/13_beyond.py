"""Chapter 13: beyond the LSTM."""

# %% attention
import numpy as np

draw = np.random.default_rng(0)
states = draw.normal(size=(50, 16))  # hidden states of 50 steps
query = 3 * states[7]  # what is looked for resembles step 7
scores = states @ query / np.sqrt(16)
weights = np.exp(scores - scores.max())
weights /= weights.sum()
context = weights @ states
print(f"most weight on step {weights.argmax()}: {weights.max():.2f}")
print("numbers kept: state of an LSTM", 2 * 16, " attention", states.size)


# %% memory
def recall(pairs, size=16):
    """Share of values that a matrix memory gives back; one pass, delta rule."""
    keys = draw.normal(size=(pairs, size))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    values = draw.choice([-1.0, 1.0], (pairs, size))
    memory = np.zeros((size, size))
    for key, value in zip(keys, values, strict=True):
        memory += np.outer(value - memory @ key, key)  # write what is not yet there
    return (np.sign(keys @ memory.T) == values).mean()


for pairs in (4, 16, 64):
    print(f"{pairs:>2} pairs in a 16 x 16 memory: {recall(pairs):.0%} of the bits")


# %% scan
def in_order(a, b):
    """h_t = a_t h_{t-1} + b_t, step by step."""
    h, found = np.zeros(a.shape[1]), []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        found.append(h)
    return np.array(found)


def in_parallel(a, b):
    """The same in log2(T) rounds: each round joins stretches of double length."""
    a, b, shift, rounds = a.copy(), b.copy(), 1, 0
    while shift < len(a):
        b[shift:] += a[shift:] * b[:-shift]
        a[shift:] = a[shift:] * a[:-shift]
        shift, rounds = 2 * shift, rounds + 1
    return b, rounds


a, b = draw.uniform(0.5, 1, (1000, 4)), draw.normal(size=(1000, 4))
found, rounds = in_parallel(a, b)
print(
    "equal:", np.allclose(found, in_order(a, b)), " rounds:", rounds, "in place of 1000"
)

# %% maze
import torch

import longshort as ls


def play(layer, head, forget, corridor=10):
    """Walks: the cue is shown at the entrance, the choice is at the end."""
    cue = torch.randint(0, 2, (64,))
    seen = torch.zeros(corridor, 64, 2)
    seen[0, torch.arange(64), cue] = 1
    if forget:
        seen = seen[-1:]  # sees only where it stands
    choice = torch.distributions.Categorical(logits=head(layer(seen)[0][-1]))
    turn = choice.sample()
    reward = (turn == cue).float()
    return reward, choice.log_prob(turn)


# %% learn about
for name, forget in (("without memory", True), ("LSTM", False)):
    torch.manual_seed(0)
    layer, head = ls.nn.LSTM(2, 16), torch.nn.Linear(16, 2)
    adam = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.02)
    for _ in range(120):
        reward, log_prob = play(layer, head, forget)
        loss = -((reward - 0.5) * log_prob).mean()  # REINFORCE (Williams, 1992)
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        mean = torch.cat([play(layer, head, forget)[0] for _ in range(10)]).mean()
    print(f"{name:<15} finds the reward in {mean:.0%} of the walks")
