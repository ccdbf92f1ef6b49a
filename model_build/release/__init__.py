"""From trained weights to the published int8 model: stages that read and write a run's files."""
