"""Image bytes to predictions: decoding, preprocessing, ONNX Runtime, and the pipeline that joins them."""
