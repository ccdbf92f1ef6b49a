"""LiteRT, with XNNPACK, as it is by default."""

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from bench.runtimes.answers import Answer, Floats
from handler.contract import Pixels


def default(path: Path, threads: int) -> Answer:
    """Sized anew where the number of pictures is another than before."""
    interpreter = Interpreter(str(path), num_threads=threads)
    (pictures,), outputs = interpreter.get_input_details(), interpreter.get_output_details()
    size = 0

    def answer(pixels: Pixels) -> list[Floats]:
        nonlocal size
        by_place = pixels.transpose(0, 2, 3, 1)  # (N, 28, 28, 1)
        if len(pixels) != size:
            interpreter.resize_tensor_input(pictures["index"], by_place.shape)
            interpreter.allocate_tensors()
            size = len(pixels)
        interpreter.set_tensor(pictures["index"], by_place)
        interpreter.invoke()
        return [interpreter.get_tensor(each["index"]) for each in outputs]

    return answer
