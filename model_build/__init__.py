"""Train, quantize, evaluate and publish the model; not part of the deployed package."""
