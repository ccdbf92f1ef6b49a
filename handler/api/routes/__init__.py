"""One router per protocol; all share one predictor."""
