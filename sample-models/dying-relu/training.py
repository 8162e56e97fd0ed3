"""Trains a dense network on MNIST with a learning rate that is far too high, and exports it as ONNX."""

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class DyingRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(784, 256)
        self.relu1 = nn.ReLU()
        self.fc2 = nn.Linear(256, 128)
        self.relu2 = nn.ReLU()
        self.fc3 = nn.Linear(128, 64)
        self.relu3 = nn.ReLU()
        self.fc4 = nn.Linear(64, 10)

    def forward(self, image):
        x = self.flatten(image)
        x = self.relu1(self.fc1(x))
        x = self.relu2(self.fc2(x))
        x = self.relu3(self.fc3(x))
        return self.fc4(x)


def train(epochs=3, lr=1e-2, batch_size=64):
    torch.manual_seed(1)
    data = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
    loader = DataLoader(data, batch_size=batch_size, shuffle=True)
    model = DyingRelu()
    # Ten times Adam's usual learning rate: the first steps push many units below zero for good.
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loss_function = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        for image, label in loader:
            optimizer.zero_grad()
            loss = loss_function(model(image), label)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}")
    return model


if __name__ == "__main__":
    model = train().eval()
    torch.onnx.export(
        model,
        torch.zeros(1, 1, 28, 28),
        "dying-relu.onnx",
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        opset_version=17,
    )
