"""What the tables weigh: measured, forecast, and said."""
