"""What people look at: the page, and the widget that owners put on their sites."""
