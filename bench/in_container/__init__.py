"""What runs in Lambda's image, where only the package is: scripts that print one line of JSON."""
