"""Training: plain SGD on data that is already resident, one run or several in turns, eager or as a CUDA graph."""
