"""Your own classes: a folder of images to an int8 model that `handler` serves."""
