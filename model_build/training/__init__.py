"""Network, augmentation, loss and training loop."""
