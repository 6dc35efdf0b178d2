"""What the harness costs, against what a user would otherwise write: its hot paths, whole commands, the GPU path."""
