"""What is asked of the ThemeParks.wiki API, and how: live data, catalogue and recorded history, at one pace."""
