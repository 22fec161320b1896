"""Runs the migrations on the connection that db/schema.py opened."""

from alembic import context

from db.tables import metadata

# A migration that must not run in a transaction opens `op.get_context().autocommit_block()`.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
