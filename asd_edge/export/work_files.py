"""The names of the files that export writes into a work directory; later stages read them by these names."""

ONNX_FILE, TFLITE_FILE, DETECTOR_FILE, RECORD_FILE = "model.onnx", "model.tflite", "detector.safetensors", "export.json"
EXPORTED_FILES = (ONNX_FILE, TFLITE_FILE, DETECTOR_FILE, RECORD_FILE)
TARGET_FILE = "target.json"  # beside them where the target is another than mcu
OWNED_FILES = (*EXPORTED_FILES, TARGET_FILE)
