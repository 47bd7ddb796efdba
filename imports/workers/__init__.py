"""What django-q2's workers do: the queue of imports, their tasks, heartbeats and recurring jobs."""
