"""Runs the migrations on the connection that db/schema.py opened, or writes them as SQL (`alembic upgrade --sql`)."""

from alembic import context

from db.tables import metadata

config = context.config
connection = config.attributes.get("connection")

if connection is None:
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
else:
    # A migration that must run outside a transaction opens `op.get_context().autocommit_block()`.
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
