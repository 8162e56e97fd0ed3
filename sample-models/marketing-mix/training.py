"""Writes down a marketing mix: ad-stock, saturation and what each channel sells. Nothing of it is trained."""

import torch
from torch import nn
from torch.nn import functional

WEEKS = 26
#           television  search  social  print
CARRY_OVER = [0.8, 0.2, 0.5, 0.6]
REACH = [0.08, 0.25, 0.12, 0.1]
SALES = [40.0, 25.0, 15.0, 0.0]
BASE = 50.0


class MarketingMix(nn.Module):
    def __init__(self):
        super().__init__()
        self.adstock = nn.Conv1d(4, 4, WEEKS, groups=4, bias=False)
        self.saturation = nn.Tanh()
        self.mix = nn.Conv1d(4, 1, 1)

    def forward(self, spend):
        # A week sees itself and those before it.
        x = self.adstock(functional.pad(spend, (WEEKS - 1, 0)))
        return self.mix(self.saturation(x)).squeeze(1)


def plant():
    model = MarketingMix()
    ages = torch.arange(WEEKS - 1, -1, -1)
    with torch.no_grad():
        for channel, (rate, reach) in enumerate(zip(CARRY_OVER, REACH)):
            model.adstock.weight[channel, 0] = reach * rate**ages
        model.mix.weight[0, :, 0] = torch.tensor(SALES)
        model.mix.bias.fill_(BASE)
    return model


if __name__ == "__main__":
    torch.onnx.export(
        plant().eval(),
        torch.zeros(1, 4, 104),
        "marketing-mix.onnx",
        input_names=["spend"],
        output_names=["sales"],
        dynamic_axes={"spend": {0: "N", 2: "T"}, "sales": {0: "N", 1: "T"}},
        opset_version=17,
    )
