"""Turns digits-cnn into half precision, with float32 inputs and outputs."""

import onnx
from onnxconverter_common import float16

if __name__ == "__main__":
    # The layers are those of ../digits-cnn/training.py.
    model = onnx.load("../digits-cnn/digits-cnn.onnx")
    onnx.save(float16.convert_float_to_float16(model, keep_io_types=True), "digits-fp16.onnx")
