"""`/mcp`: search, questions and pages for programs that speak the Model Context Protocol."""
