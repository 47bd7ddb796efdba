"""The check of what is stored: each row is read once, and the detectors say what is wrong with it."""
