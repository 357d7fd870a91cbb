"""Tests of stage 3: embeddings and reconstructions become anomaly scores."""
