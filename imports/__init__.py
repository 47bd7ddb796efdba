"""How it comes in: sources, decoding, resolving, loading, checkpoints. Knows quality and warehouse."""
