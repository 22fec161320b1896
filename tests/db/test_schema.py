"""Migrations make what the tables say, once, and whoever has another revision is told."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from db import schema
from db.engine import create_engine
from db.tables import metadata
from market.errors import SchemaError, StoreUnreachable

pytestmark = pytest.mark.postgres


@pytest.fixture
def empty(empty_database_url):
    engine = create_engine(empty_database_url)
    yield engine
    engine.dispose()


def test_a_migrated_database_is_what_the_tables_say(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})

        assert compare_metadata(context, metadata) == []


def test_constraints_are_what_the_tables_say(engine):
    inspector = sa.inspect(engine)
    for table in metadata.sorted_tables:
        made = {one["name"] for one in inspector.get_check_constraints(table.name)}

        assert made == {one.name for one in table.constraints if isinstance(one, sa.CheckConstraint)}


def test_the_head_is_the_one_alembic_finds():
    assert ScriptDirectory(schema._MIGRATIONS).get_current_head() == schema.head()


def test_an_empty_database_is_reported_with_the_fix(empty):
    assert schema.current(empty) is None
    with pytest.raises(SchemaError, match=f"revision none, this program needs {schema.head()}; run `tcpdash db upgrade`"):
        schema.check(empty)


def test_an_upgraded_database_passes(empty, empty_database_url):
    schema.upgrade(empty_database_url)
    schema.upgrade(empty_database_url)

    schema.check(empty)
    assert schema.current(empty) == schema.head()


def test_the_schema_of_a_newer_program_is_left_alone(engine, database_url):
    with engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    with pytest.raises(SchemaError, match="revision 9999, this program knows"):
        schema.check(engine)
    with pytest.raises(SchemaError, match="install the newer program"):
        schema.upgrade(database_url)


def test_two_processes_upgrade_at_once(empty, empty_database_url):
    command = [sys.executable, "-c", "import sys; from db import schema; schema.upgrade(sys.argv[1])", empty_database_url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], errors
    schema.check(empty)


def test_a_migration_can_be_undone(engine, database_url):
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()

    assert sa.inspect(engine).get_table_names() == ["alembic_version"]


def test_a_database_that_is_not_there_is_reported():
    with pytest.raises(StoreUnreachable, match="does not answer"):
        schema.upgrade("postgresql+psycopg2://app@127.0.0.1:1/app")
