"""What this package adds to napari-microrecon; pyproject.toml names each addition as an entry point."""
