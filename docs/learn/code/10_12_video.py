"""Chapter 10: moving pictures."""

# %% weights
import longshort as ls

maps = ls.nn.ConvLSTM(4, 16, kernel_size=3)  # 4 channels in, 16 out, any size
flat = ls.nn.LSTM(24 * 24, 16 * 12 * 12)  # all pixels in, as many states
for name, layer in (("ConvLSTM", maps), ("LSTM", flat)):
    print(f"{name:8} {sum(weight.numel() for weight in layer.parameters()):,} weights")

# %% run about
# longshort run --example bounce --set train.max_epochs=8 --out run

# %% strip about
pictures = ls.load("run").plot()
figure = pictures["strip1"]
figure.set_size_inches(6.8, 2.5)

# %% steps
figure = pictures["error_by_frame"]
