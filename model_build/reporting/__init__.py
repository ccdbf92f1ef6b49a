"""Lists of runs, plots and tables."""
