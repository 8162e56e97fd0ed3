"""Trains a Deep Interest Network on clicks after histories of items, and exports it as ONNX."""

import numpy
import torch
from torch import nn
from torch.nn import functional

ITEMS = 24
LENGTH = 8
WIDTH = 8
HIDDEN = 12


class Dice(nn.Module):
    """p(s) s + (1 - p(s)) alpha s, where p turns at the mean of s; mean and rate are measured between two rounds."""

    def __init__(self, width):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("rate", torch.ones(width))
        self.alpha = nn.Parameter(torch.full((width,), 0.1))
        self.last = None

    def forward(self, s):
        self.last = s.detach()
        p = torch.sigmoid((s - self.mean) * self.rate)
        return p * s + (1 - p) * self.alpha * s

    def measure(self):
        s = self.last.flatten(0, -2)
        self.mean.copy_(s.mean(0))
        self.rate.copy_((s.var(0, unbiased=False) + 1e-8).rsqrt())


class ActivationUnit(nn.Module):
    """Weighs every behaviour by what it has to do with the candidate, and sums them up."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4 * WIDTH, HIDDEN)
        self.dice = Dice(HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, 1)

    def forward(self, behaviours, candidate):
        repeated = candidate.repeat(1, LENGTH, 1)
        parts = [repeated, behaviours, repeated - behaviours, repeated * behaviours]
        weights = self.fc2(self.dice(self.fc1(torch.cat(parts, -1))))
        return weights.transpose(1, 2) @ behaviours


class InterestNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.item = nn.Embedding(ITEMS, WIDTH)
        self.unit = ActivationUnit()
        self.fc1 = nn.Linear(WIDTH, HIDDEN)
        self.dice = Dice(HIDDEN)
        self.fc2 = nn.Linear(HIDDEN, 2)

    def forward(self, history, candidate):
        behaviours, wanted = self.item(history), self.item(candidate)
        agreement = (self.unit(behaviours, wanted) * wanted).flatten(1)
        return self.fc2(self.dice(self.fc1(agreement)))


def train(path="data/histories.npz", epochs=12, lr=1e-2, batch_size=256):
    torch.manual_seed(5)
    data = {name: torch.from_numpy(array) for name, array in numpy.load(path).items()}
    model = InterestNetwork()
    for _round in range(2):
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
        for epoch in range(epochs):
            for batch in torch.randperm(len(data["labels"])).split(batch_size):
                logits = model(data["history"][batch], data["candidate"][batch])
                loss = functional.cross_entropy(logits, data["labels"][batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}")
        if _round == 0:
            model(data["history"], data["candidate"])
            model.unit.dice.measure()
            model.dice.measure()
    return model


if __name__ == "__main__":
    model = train().eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, LENGTH, dtype=torch.long), torch.zeros(1, 1, dtype=torch.long)),
        "interest-network.onnx",
        input_names=["history", "candidate"],
        output_names=["logits"],
        dynamic_axes={"history": {0: "N"}, "candidate": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
    )
