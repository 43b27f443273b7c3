"""The widget: keys of owners, sessions of visitors, budgets."""
