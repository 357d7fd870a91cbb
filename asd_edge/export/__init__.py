"""Stage 8: int8 Graph -> model.tflite and back, detector.safetensors, and from checkpoint to work directory."""
