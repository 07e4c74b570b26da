"""What is wrong with a text, as data and as words."""
