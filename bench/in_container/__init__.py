"""Scripts that run in Lambda's image with the package, and print one line of JSON."""
