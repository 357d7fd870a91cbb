"""Stage 5: the split, the order of batches, the losses of an epoch, and a training that resumes to the same weights."""
