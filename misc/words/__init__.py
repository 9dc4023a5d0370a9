"""What words mean in a caption: lexicons of birds, flowers and faces, and who reads with them."""
