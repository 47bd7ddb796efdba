"""From observations to rows: shared by the archive and the live collector."""
