"""The colour network: photos in colour to ten classes, kinds of shoes, or none of them."""
