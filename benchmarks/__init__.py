"""gpuseg beside its peers in one run: time, peak memory and score stand together."""
