"""What people look at: a space or an architecture as a summary, as JSON, as a picture, as a page."""
