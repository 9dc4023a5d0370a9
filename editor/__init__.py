"""The attribute editor, a VAE/GAN: a picture becomes a code, which is moved and drawn again."""
