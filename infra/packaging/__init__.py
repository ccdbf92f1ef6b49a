"""Build the Lambda package: wheels, pruning, bytecode and bill of materials."""
