"""LiteRT with its default delegate, XNNPACK."""

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from bench.runtimes.predict import Floats, Predict
from handler.contract import Pixels


def default(path: Path, threads: int) -> Predict:
    """Load with default options; tensors are resized when the number of images changes."""
    interpreter = Interpreter(str(path), num_threads=threads)
    (images,), outputs = interpreter.get_input_details(), interpreter.get_output_details()
    size = 0

    def predict(pixels: Pixels) -> list[Floats]:
        nonlocal size
        by_place = pixels.transpose(0, 2, 3, 1)  # (N, 28, 28, 1)
        if len(pixels) != size:
            interpreter.resize_tensor_input(images["index"], by_place.shape)
            interpreter.allocate_tensors()
            size = len(pixels)
        interpreter.set_tensor(images["index"], by_place)
        interpreter.invoke()
        return [interpreter.get_tensor(each["index"]) for each in outputs]

    return predict
