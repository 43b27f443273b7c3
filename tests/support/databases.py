"""Databases of the test cluster: each a clone of one that was migrated once."""

from itertools import count

import psycopg

TEMPLATE = "migrated"
_numbers = count(1)


def database(cluster_url: str, name: str) -> str:
    """The address of another database of the cluster."""
    return cluster_url.replace("/aiconvokit?", f"/{name}?", 1)


def clone(cluster_url: str) -> str:
    """A fresh database with the schema."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return database(cluster_url, name)
