"""The page and the widget in a browser: pictures of every view, sizes, and timings."""
