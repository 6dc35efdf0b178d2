"""The paper's four networks, with the dropout of StdCNN and the normalisation of ResNet18."""
