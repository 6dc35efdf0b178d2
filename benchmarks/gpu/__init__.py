"""The GPU path on the GPU at hand."""
