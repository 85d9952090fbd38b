"""Make the second reader from the corpus. Nothing that reads a passage may import this."""
