"""The shipped ONNX file in; files of the same network for other runtimes out."""
