"""Pages about one park or one ride: what is known of it, section by section, and where each figure comes from."""
