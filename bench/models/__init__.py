"""Convert the shipped ONNX file to files of other runtimes."""
