"""What the rooms share: configuration, data, networks, training, evaluation."""
