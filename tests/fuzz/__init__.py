"""Coverage-guided fuzzing of the decoders and parsers: `make fuzz`."""
