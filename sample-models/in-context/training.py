"""Trains a transformer that reads a small table with its classes and answers rows of its own, and exports it as ONNX."""

import math

import torch
from torch import nn
from torch.nn import functional

WIDTH, HEADS, HIDDEN, REACH, NOISE = 32, 2, 64, 2.0, 0.04


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key = nn.Linear(WIDTH, WIDTH, bias=False)
        self.value = nn.Linear(WIDTH, WIDTH, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x, seen):
        split = lambda y: y.reshape(y.shape[0], y.shape[1], HEADS, WIDTH // HEADS)
        q = split(self.query(x)).permute(0, 2, 1, 3)
        k = split(self.key(x)).permute(0, 2, 3, 1)
        v = split(self.value(x)).permute(0, 2, 1, 3)
        scores = (q @ k) * (1 / math.sqrt(WIDTH // HEADS))
        weights = torch.where(seen, scores, -1e9).softmax(-1)
        joined = (weights @ v).permute(0, 2, 1, 3)
        return self.output(joined.reshape(x.shape[0], x.shape[1], WIDTH))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(WIDTH, HIDDEN)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(HIDDEN, WIDTH)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = Mlp()

    def forward(self, x, seen):
        x = self.attention(self.norm1(x), seen) + x
        return self.mlp(self.norm2(x)) + x


class InContext(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(2, WIDTH)
        self.label = nn.Embedding(2, WIDTH)
        self.blocks = nn.ModuleList([Block(), Block(), Block()])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 2)

    def forward(self, x_train, y_train, x_query):
        rows = self.embed(torch.cat([x_train, x_query], 1))
        # The rows that are asked about have no class.
        classes = functional.pad(self.label(y_train), (0, 0, 0, x_query.shape[1]))
        x = classes + rows
        # Every row sees those of the table, and no other.
        seen = torch.arange(x.shape[1])[None] < x_train.shape[1]
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x))[:, x_train.shape[1] :]


def draw_rule():
    """A line, a step along a column, a disc, or the sign of a small random network."""
    kind, sign = torch.randint(4, ()).item(), 1 - 2 * torch.randint(2, ()).item()
    if kind == 0:
        weight, offset = torch.randn(2), 0.7 * torch.randn(())
        return lambda x: x @ weight + offset
    if kind == 1:
        column, edge = torch.randint(2, ()).item(), 1.2 * (2 * torch.rand(()) - 1)
        return lambda x: sign * (x[:, column] - edge)
    if kind == 2:
        centre, radius = torch.randn(2), 0.8 + torch.rand(())
        return lambda x: sign * (radius**2 - ((x - centre) ** 2).sum(-1))
    first, offset, second = 1.2 * torch.randn(2, 4), torch.randn(4), torch.randn(4)
    return lambda x: torch.tanh(x @ first + offset) @ second


def draw_table(rows):
    x, rule = REACH * (2 * torch.rand(rows, 2) - 1), draw_rule()
    noisy = torch.rand(rows) < NOISE
    return x, torch.where(noisy, torch.randint(2, (rows,)), (rule(x) > 0).long())


def train(steps=5000, lr=2e-3, batch_size=32, queries=32):
    torch.manual_seed(1)
    model = InContext()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    for step in range(steps):
        given = torch.randint(6, 41, ()).item()
        tables = [draw_table(given + queries) for _ in range(batch_size)]
        x, y = (torch.stack(part) for part in zip(*tables))
        logits = model(x[:, :given], y[:, :given], x[:, given:])
        loss = functional.cross_entropy(logits.flatten(0, 1), y[:, given:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            print(f"step {step + 1}: loss {loss.item():.4f}")
    return model


if __name__ == "__main__":
    model = train().eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 40, 2), torch.zeros(1, 40, dtype=torch.int64), torch.zeros(1, 40, 2)),
        "in-context.onnx",
        input_names=["x_train", "y_train", "x_query"],
        output_names=["logits"],
        dynamic_axes={
            "x_train": {0: "N", 1: "T"},
            "y_train": {0: "N", 1: "T"},
            "x_query": {0: "N", 1: "Q"},
            "logits": {0: "N", 1: "Q"},
        },
        opset_version=17,
    )
