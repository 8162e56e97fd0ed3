"""Trains a small convolutional network that tells four tones apart and exports it as ONNX."""

import math

import torch
from torch import nn

RATE, FRAMES, BURST = 8000, 2000, 400
FREQUENCIES = torch.tensor([400.0, 800.0, 1600.0, 3200.0])


class ToneCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 12, kernel_size=32, stride=4, bias=False)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv1d(12, 16, kernel_size=8, stride=4, bias=False)
        self.relu2 = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(16, 4, bias=False)

    def forward(self, waveform):
        x = self.relu1(self.conv1(waveform))
        x = self.relu2(self.conv2(x))
        return self.fc(self.flatten(self.pool(x)))


def draw(count):
    """Draws sounds: a tone somewhere in noise."""
    label = torch.randint(4, (count,))
    frequency = FREQUENCIES[label] * (1 + 0.03 * (2 * torch.rand(count) - 1))
    phase, level = 2 * math.pi * torch.rand(count), 0.3 + 0.3 * torch.rand(count)
    start = torch.randint(FRAMES - BURST, (count,))
    frame = torch.arange(FRAMES)[None, :]
    inside = frame - start[:, None]
    is_tone = (inside >= 0) & (inside < BURST)
    envelope = torch.where(is_tone, torch.sin(math.pi * inside / BURST) ** 2, 0)
    tone = torch.sin(2 * math.pi * frequency[:, None] * frame / RATE + phase[:, None])
    noise = 0.05 * torch.randn(count, FRAMES)
    return (level[:, None] * envelope * tone + noise).clamp(-1, 1)[:, None], label


def train(steps=400, lr=3e-3, batch_size=32):
    torch.manual_seed(1)
    model = ToneCnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=steps)
    loss_function = nn.CrossEntropyLoss()
    for step in range(steps):
        waveform, label = draw(batch_size)
        optimizer.zero_grad()
        loss = loss_function(model(waveform), label)
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
        torch.zeros(1, 1, FRAMES),
        "tone-cnn.onnx",
        input_names=["waveform"],
        output_names=["logits"],
        dynamic_axes={"waveform": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
    )
