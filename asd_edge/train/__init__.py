"""Normal clips -> a checkpoint, with Lightning."""
