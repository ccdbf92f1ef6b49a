"""The same ONNX file behind other people's servers, each as its documentation shows. They only resize photos."""
