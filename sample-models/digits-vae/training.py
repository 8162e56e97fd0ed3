"""Trains a variational autoencoder on MNIST and exports it, its encoder and its decoder as ONNX."""

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

HIDDEN, LATENT = 128, 8


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, HIDDEN)
        self.relu = nn.ReLU()
        self.log_variance = nn.Linear(HIDDEN, LATENT)
        self.mean = nn.Linear(HIDDEN, LATENT)

    def forward(self, pixels):
        hidden = self.relu(self.fc1(pixels))
        return self.mean(hidden), self.log_variance(hidden)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(LATENT, HIDDEN)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(HIDDEN, 784)
        self.sigmoid = nn.Sigmoid()

    def logits(self, code):
        return self.fc2(self.relu(self.fc1(code)))

    def forward(self, code):
        return self.sigmoid(self.logits(code)).reshape(-1, 1, 28, 28)


class DigitsVae(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, image):
        mean, log_variance = self.encoder(self.flatten(image))
        return self.decoder(mean), mean, log_variance

    def loss(self, image):
        pixels = self.flatten(image)
        mean, log_variance = self.encoder(pixels)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        logits = self.decoder.logits(code)
        pixel_loss = functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp())
        return (pixel_loss.sum(1) + divergence.sum(1)).mean()


def train(epochs=12, lr=2e-3, batch_size=128):
    torch.manual_seed(1)
    data = datasets.MNIST("data", train=True, download=True, transform=transforms.ToTensor())
    loader = DataLoader(data, batch_size=batch_size, shuffle=True)
    model = DigitsVae()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    steps = epochs * len(loader)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=0.05 * lr)
    for epoch in range(epochs):
        for image, _ in loader:
            optimizer.zero_grad()
            loss = model.loss(image)
            loss.backward()
            optimizer.step()
            scheduler.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.2f}")
    return model


def export(model, name, example, inputs, outputs):
    axes = {key: {0: "N"} for key in inputs + outputs}
    torch.onnx.export(
        model, example, name, input_names=inputs, output_names=outputs, dynamic_axes=axes, opset_version=17
    )


if __name__ == "__main__":
    model = train().eval()
    image = torch.zeros(1, 1, 28, 28)
    codes = ["mean", "logVariance"]
    export(model, "digits-vae.onnx", image, ["image"], ["reconstruction"] + codes)
    export(nn.Sequential(model.flatten, model.encoder), "digits-vae-encoder.onnx", image, ["image"], codes)
    export(model.decoder, "digits-vae-decoder.onnx", torch.zeros(1, LATENT), ["code"], ["reconstruction"])
