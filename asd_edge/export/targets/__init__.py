"""What a model is exported for: which operators its graph keeps, what the target's tools say of the file."""
