"""Time and memory of what is shipped, beside the plain way of doing it."""
