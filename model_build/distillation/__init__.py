"""Knowledge distillation: large teachers, and a student that learns from their outputs on the same augmented images."""
