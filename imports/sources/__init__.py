"""Where day files lie: a folder or a bucket, behind one interface."""
