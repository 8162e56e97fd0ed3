"""Trains a decoder of one block to add modulo a prime, until it generalises, and exports it as ONNX."""

import math

import torch
from torch import nn
from torch.nn import functional

MODULUS, WIDTH, HEADS, HIDDEN = 97, 64, 4, 256


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
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(HIDDEN, WIDTH)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.mlp = Mlp()

    def forward(self, x, seen):
        x = self.attention(x, seen) + x
        return self.mlp(x) + x


class ModularAddition(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(MODULUS + 1, WIDTH)
        self.position = nn.Embedding(3, WIDTH)
        self.blocks = nn.ModuleList([Block()])
        self.head = nn.Linear(WIDTH, MODULUS, bias=False)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1])
        seen = positions[None, :] <= positions[:, None]
        x = self.position(positions) + self.embed(tokens)
        for block in self.blocks:
            x = block(x, seen)
        return self.head(x[:, -1])


def train(epochs=450, lr=2e-3, batch_size=512, share=0.4, warm_up=10):
    torch.manual_seed(1)
    a, b = torch.meshgrid(torch.arange(MODULUS), torch.arange(MODULUS), indexing="ij")
    tokens = torch.stack([a.flatten(), b.flatten(), torch.full((MODULUS**2,), MODULUS)], 1)
    labels = (tokens[:, 0] + tokens[:, 1]) % MODULUS
    order = torch.randperm(MODULUS**2)
    known, unseen = order[: round(share * len(order))], order[round(share * len(order)) :]
    model = ModularAddition()
    steps = epochs * math.ceil(len(known) / batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=1.0)
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warm_up, 1.0, total_iters=warm_up)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - warm_up, eta_min=0.02 * lr)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [warm_up])
    for epoch in range(epochs):
        for batch in known[torch.randperm(len(known))].split(batch_size):
            loss = functional.cross_entropy(model(tokens[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        if epoch % 50 == 49:
            right = (model(tokens[unseen]).argmax(-1) == labels[unseen]).float().mean()
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}, {right:.1%} of unseen pairs")
    return model


if __name__ == "__main__":
    model = train().eval()
    torch.onnx.export(
        model,
        torch.zeros(1, 3, dtype=torch.int64),
        "modular-addition.onnx",
        input_names=["tokens"],
        output_names=["logits"],
        dynamic_axes={"tokens": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
    )
