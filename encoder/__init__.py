"""The char-CNN-RNN text encoder: sentences become embeddings."""
