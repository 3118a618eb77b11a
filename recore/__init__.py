"""What the scripts beside this package stand on; docs/method.md tells the equations."""
