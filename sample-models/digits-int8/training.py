"""Turns digits-cnn into 8 bits, in the QDQ form."""

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torchvision import datasets


class SomeDigits(CalibrationDataReader):
    def __init__(self, count=1000):
        pixels = datasets.MNIST("data", train=True, download=True).data[:count].numpy()
        self.images = iter(np.float32(pixels)[:, None, None] / 255)

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"image": image}


if __name__ == "__main__":
    # The layers are those of ../digits-cnn/training.py.
    quantize_static(
        "../digits-cnn/digits-cnn.onnx",
        "digits-int8.onnx",
        SomeDigits(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        # Kernels for processors without VNNI add two products in 16 bits.
        reduce_range=True,
    )
