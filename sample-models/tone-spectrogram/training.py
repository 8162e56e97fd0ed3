"""Trains a small convolutional network that tells four tones apart by their spectrograms, and exports it as ONNX."""

import math

import torch
from torch import nn

RATE, FRAMES, BURST = 8000, 2000, 400
WINDOW, HOP = 64, 32
BINS, COLUMNS = WINDOW // 2 + 1, (FRAMES - WINDOW) // HOP + 1
FREQUENCIES = torch.tensor([400.0, 800.0, 1600.0, 3200.0])


class ToneSpectrogram(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, stride=2, padding=1, bias=False)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(8, 12, kernel_size=3, stride=2, padding=1, bias=False)
        self.relu2 = nn.ReLU()
        # Time goes, frequency stays.
        self.pool = nn.AvgPool2d((1, 16))
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(12 * 9, 4, bias=False)

    def forward(self, spectrogram):
        x = self.relu1(self.conv1(spectrogram))
        x = self.relu2(self.conv2(x))
        return self.fc(self.flatten(self.pool(x)))


def draw(count):
    """Draws spectrograms of sounds: a tone somewhere in noise."""
    label = torch.randint(4, (count,))
    frequency = FREQUENCIES[label] * (1 + 0.03 * (2 * torch.rand(count) - 1))
    phase, level = 2 * math.pi * torch.rand(count), 0.3 + 0.3 * torch.rand(count)
    start = torch.randint(FRAMES - BURST, (count,))
    frame = torch.arange(FRAMES)[None, :]
    inside = frame - start[:, None]
    is_tone = (inside >= 0) & (inside < BURST)
    envelope = torch.where(is_tone, torch.sin(math.pi * inside / BURST) ** 2, 0)
    tone = torch.sin(2 * math.pi * frequency[:, None] * frame / RATE + phase[:, None])
    sound = (level[:, None] * envelope * tone + 0.05 * torch.randn(count, FRAMES)).clamp(-1, 1)
    window = torch.hann_window(WINDOW)
    magnitude = torch.stft(sound, WINDOW, HOP, window=window, center=False, return_complex=True).abs()
    return torch.log1p(10 * magnitude)[:, None], label


def train(steps=200, lr=5e-3, batch_size=32):
    torch.manual_seed(1)
    model = ToneSpectrogram()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=steps)
    loss_function = nn.CrossEntropyLoss()
    for step in range(steps):
        spectrogram, label = draw(batch_size)
        optimizer.zero_grad()
        loss = loss_function(model(spectrogram), label)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {loss.item():.4f}")
    return model


if __name__ == "__main__":
    model = train().eval()
    torch.onnx.export(
        model,
        torch.zeros(1, 1, BINS, COLUMNS),
        "tone-spectrogram.onnx",
        input_names=["spectrogram"],
        output_names=["logits"],
        dynamic_axes={"spectrogram": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
    )
