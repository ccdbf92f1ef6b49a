"""What ships to Lambda: an image goes in, a class of clothing comes out."""
