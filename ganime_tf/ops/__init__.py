"""Pure functions without variables: images, files, pictures."""
