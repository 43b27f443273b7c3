"""Evaluation: questions with known answers, asked of the real search and the real answers."""
