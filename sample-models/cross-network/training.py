"""Trains a linear and an exponential cross network side by side on clicks, and exports them as ONNX."""

import csv

import torch
from torch import nn
from torch.nn import functional

WIDTH = 8


class Cross(nn.Module):
    """One layer: base * ([Wx, Wx * relu(norm(Wx))] + b) + x."""

    def __init__(self):
        super().__init__()
        self.w = nn.Linear(WIDTH, WIDTH // 2, bias=False)
        self.norm = nn.LayerNorm(WIDTH // 2)
        self.masker = nn.ReLU()
        self.bias = nn.Parameter(torch.zeros(WIDTH))

    def forward(self, x, base):
        crossed = self.w(x)
        masked = self.masker(self.norm(crossed)) * crossed
        return (torch.cat([crossed, masked], -1) + self.bias) * base + x


class CrossNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        # The order of interactions grows by one a layer where the input is the base, and doubles where x itself is.
        self.linear = nn.ModuleList([Cross(), Cross()])
        self.linear_head = nn.Linear(WIDTH, 2)
        self.exponential = nn.ModuleList([Cross(), Cross()])
        self.exponential_head = nn.Linear(WIDTH, 2)

    def forward(self, x):
        linear = x
        for layer in self.linear:
            linear = layer(linear, x)
        exponential = x
        for layer in self.exponential:
            exponential = layer(exponential, exponential)
        return (self.exponential_head(exponential) + self.linear_head(linear)) * 0.5


def read_clicks(path):
    with open(path) as file:
        rows = [[float(value) for value in row] for row in list(csv.reader(file))[1:]]
    table = torch.tensor(rows)
    return table[:, :WIDTH], table[:, WIDTH].long()


def train(path="data/clicks.csv", epochs=40, lr=5e-3, batch_size=256):
    torch.manual_seed(3)
    x, clicks = read_clicks(path)
    model = CrossNetwork()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.02)
    for epoch in range(epochs):
        for batch in torch.randperm(len(x)).split(batch_size):
            loss = functional.cross_entropy(model(x[batch]), clicks[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}")
    return model


if __name__ == "__main__":
    model = train().eval()
    torch.onnx.export(
        model,
        torch.zeros(1, WIDTH),
        "cross-network.onnx",
        input_names=["x"],
        output_names=["logits"],
        dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
    )
