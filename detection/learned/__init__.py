"""The second reader: what a small network learnt from the corpus. It must not import anything that trains."""
