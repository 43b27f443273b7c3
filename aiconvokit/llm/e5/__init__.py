"""multilingual-e5-small in 4 bits on ONNX Runtime; all of it runs in the child process."""
