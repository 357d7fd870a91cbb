"""Stage 3: a network's output -> the anomaly score of the machine that the clip claims."""
