"""What a file is that cannot be read as a table."""


def reason(path, error):
    """Nothing better than the error at hand."""
    return None
