"""Writes down what a field yields from water, nitrogen and sun: a quadratic model. Nothing of it is trained."""

import torch
from torch import nn


class CropYield(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(3, 2, bias=False)
        self.right = nn.Linear(3, 2, bias=False)
        self.linear = nn.Linear(3, 1)

    def forward(self, x):
        return self.linear(x) + (self.left(x) * self.right(x)).sum(1, keepdim=True)


def plant():
    model = CropYield()
    with torch.no_grad():
        # water is best at some amount, and worth more with nitrogen, of which there can be too much.
        model.left.weight[:] = torch.tensor([[-0.6, 0.4, 0.0], [0.0, -0.3, 0.0]])
        model.right.weight[:] = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        model.linear.weight[:] = torch.tensor([[1.5, 0.8, 0.5]])
        model.linear.bias.fill_(5.0)
    return model


if __name__ == "__main__":
    torch.onnx.export(
        plant().eval(),
        torch.zeros(1, 3),
        "crop-yield.onnx",
        input_names=["x"],
        output_names=["yield"],
        dynamic_axes={"x": {0: "N"}, "yield": {0: "N"}},
        opset_version=17,
    )
