"""Training: devices, run folders, the one loop, and the real/wrong/fake step of both stages."""
