"""T2F: a description becomes a face, by a text encoder and a GAN that are trained together."""
