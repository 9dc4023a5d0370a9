"""Text encoders, first of all the char-CNN-RNN: sentences become embeddings."""
