"""Writes down a bill from the power used by day and by night: tiers and a rebate. Nothing of it is trained."""

import torch
from torch import nn


class PowerTariff(nn.Module):
    def __init__(self):
        super().__init__()
        self.tiers = nn.Linear(2, 4)
        self.above = nn.ReLU()
        self.sum = nn.Linear(4, 2)
        self.rebate = nn.ReLU()
        self.bill = nn.Linear(2, 1)

    def forward(self, x):
        return self.bill(self.rebate(self.sum(self.above(self.tiers(x)))))


def plant():
    model = PowerTariff()
    prices = [0.3, 0.1, 0.2, 0.15]
    with torch.no_grad():
        # All of it, what is above 1 by day, all of it, what is above 2 by night.
        model.tiers.weight[:] = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        model.tiers.bias[:] = torch.tensor([0.0, -1.0, 0.0, -2.0])
        # The sum, and what of it is above 1.2, of which half is given back.
        model.sum.weight[:] = torch.tensor([prices, prices])
        model.sum.bias[:] = torch.tensor([0.0, -1.2])
        model.bill.weight[:] = torch.tensor([[1.0, -0.5]])
        model.bill.bias.fill_(0.0)
    return model


if __name__ == "__main__":
    torch.onnx.export(
        plant().eval(),
        torch.zeros(1, 2),
        "power-tariff.onnx",
        input_names=["x"],
        output_names=["amount"],
        dynamic_axes={"x": {0: "N"}, "amount": {0: "N"}},
        opset_version=17,
    )
