"""Trains a small decoder on the tokens of Jane Austen's novels and exports it as ONNX."""

import math

import torch
from torch import nn
from torch.nn import functional

TOKENS, CONTEXT, WIDTH, HEADS, HIDDEN, BLOCKS = 1024, 64, 80, 4, 320, 4


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


class StoryLm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(TOKENS, WIDTH)
        self.position = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, TOKENS, bias=False)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1])
        seen = positions[None, :] <= positions[:, None]
        x = self.position(positions) + self.embed(tokens)
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x))


def train(ids, lr=3e-3, batch_size=16, warm_up=60):
    """Trains on one long row of token ids, one epoch."""
    torch.manual_seed(1)
    model = StoryLm()
    starts = torch.randperm((len(ids) - 1) // CONTEXT) * CONTEXT
    steps = math.ceil(len(starts) / batch_size)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))
    rise = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warm_up, 1.0, total_iters=warm_up)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - warm_up, eta_min=0.05 * lr)
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [warm_up])
    for step, batch in enumerate(starts.split(batch_size)):
        windows = torch.stack([ids[start : start + CONTEXT + 1] for start in batch])
        logits = model(windows[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {loss.item():.4f}")
    return model


if __name__ == "__main__":
    from tokenizers import Tokenizer

    text = open("novels.txt", encoding="utf-8").read()
    model = train(torch.tensor(Tokenizer.from_file("tokenizer.json").encode(text).ids)).eval()
    torch.onnx.export(
        model,
        torch.zeros(1, CONTEXT, dtype=torch.int64),
        "story-lm.onnx",
        input_names=["tokens"],
        output_names=["logits"],
        dynamic_axes={"tokens": {0: "N", 1: "T"}, "logits": {0: "N", 1: "T"}},
        opset_version=17,
    )
