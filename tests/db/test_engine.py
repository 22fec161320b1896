"""Transactions commit or roll back, and failures are sorted into passing and lasting ones."""

from collections.abc import Callable

import psycopg2
import psycopg2.errors
import pytest
import sqlalchemy as sa

from db.engine import create_engine, is_transient, transaction
from db.store import Store
from market.errors import StoreBusy, StoreError, StoreUnreachable

SYMBOL = "OKX:BTC-USDT"
NOBODY_THERE = "postgresql+psycopg2://app:secret@127.0.0.1:1/app"


@pytest.mark.postgres
def test_a_transaction_commits_on_a_clean_exit(engine):
    with transaction(engine) as store:
        store.watermarks.set(SYMBOL, 7, 1)

    with transaction(engine) as store:
        assert store.watermarks.get(SYMBOL).trade_id == 7


@pytest.mark.postgres
def test_a_transaction_rolls_back_on_an_exception(engine):
    with pytest.raises(KeyError):
        write_and(engine, lambda _: {}["nothing"])

    with transaction(engine) as store:
        assert store.watermarks.get(SYMBOL) is None


@pytest.mark.postgres
def test_sessions_are_in_utc_and_have_a_name(database_url):
    engine = create_engine(database_url.replace("+psycopg2", ""), application_name="tester")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("show timezone")) == "UTC"
        assert connection.scalar(sa.text("show application_name")) == "tester"
    engine.dispose()


@pytest.mark.postgres
def test_a_connection_that_was_cut_while_it_was_idle_is_replaced(engine):
    with transaction(engine) as store:
        store.watermarks.set(SYMBOL, 7, 1)
    cut_all_but_this(engine)

    with transaction(engine) as store:
        assert store.watermarks.get(SYMBOL).trade_id == 7


@pytest.mark.postgres
def test_a_connection_that_is_cut_in_a_transaction_is_worth_another_try(engine):
    with pytest.raises(StoreUnreachable) as caught:
        write_and(engine, lambda store: cut_all_but_this(engine) or store.watermarks.set(SYMBOL, 8, 1))

    assert is_transient(caught.value)


@pytest.mark.postgres
def test_a_connection_that_is_cut_before_a_copy_is_worth_another_try(engine):
    with pytest.raises(StoreUnreachable) as caught:
        write_and(engine, lambda store: cut_all_but_this(engine) or store.raw_trades.get_trades(SYMBOL, 0, 1))

    assert is_transient(caught.value)


def test_a_server_that_is_away_is_reported_without_the_password():
    with pytest.raises(StoreUnreachable) as caught, transaction(create_engine(NOBODY_THERE)):
        pass

    text = str(caught.value)
    assert "127.0.0.1:1" in text
    assert "tcpdash doctor" in text
    assert "secret" not in text
    assert is_transient(caught.value)


@pytest.mark.postgres
def test_a_database_that_does_not_exist_is_not_worth_another_try(database_url):
    engine = create_engine(database_url.rpartition("/")[0] + "/nowhere")
    with pytest.raises(StoreError, match="check user, password and database") as caught, transaction(engine):
        pass

    assert not isinstance(caught.value, StoreUnreachable)
    assert not is_transient(caught.value)


@pytest.mark.parametrize("address", ["postgresql://app:secret@127.0.0.1:port/app", "nothing"])
def test_an_address_that_is_none_is_refused_without_its_password(address):
    with pytest.raises(StoreError, match="expected postgresql") as caught:
        create_engine(address)

    assert "secret" not in str(caught.value)


@pytest.mark.postgres
def test_an_error_in_the_statement_is_raised_as_it_is(engine):
    with pytest.raises(sa.exc.ProgrammingError) as caught, transaction(engine) as store:
        store.watermarks._connection.execute(sa.text("select nothing from nowhere"))

    assert not is_transient(caught.value)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("setting", "passing", "message"),
    [
        ("set local statement_timeout = '20ms'", True, "gave up .*statement timeout"),
        ("set local transaction_read_only = on", True, "gave up .*read-only transaction"),
        ("do $$ begin raise 'no space left' using errcode = '53100'; end $$", True, "gave up .*no space left"),
        ("do $$ begin raise 'deadlock detected' using errcode = '40P01'; end $$", True, "gave up .*deadlock"),
        ("set local role pg_monitor", False, "does not allow this .*permission denied"),
    ],
)
def test_what_a_server_refuses_is_said_in_a_sentence(engine, setting, passing, message):
    with pytest.raises(StoreError, match=message) as caught, transaction(engine) as store:
        store.watermarks._connection.execute(sa.text(setting))
        store.watermarks._connection.execute(sa.text("create table ours as select pg_sleep(5)::text"))

    assert isinstance(caught.value, StoreBusy) is is_transient(caught.value) is passing


@pytest.mark.postgres
def test_a_pool_that_is_empty_is_worth_another_try(database_url):
    engine = sa.create_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.0)
    with engine.connect(), pytest.raises(StoreBusy, match="are in use"), transaction(engine):
        pass
    engine.dispose()


@pytest.mark.parametrize(
    ("code", "passing"),
    [
        ("40001", True),
        ("40P01", True),
        ("53300", True),
        ("57P01", True),
        ("57P03", True),
        ("08006", True),
        ("23505", False),
        ("42P01", False),
    ],
)
def test_the_code_of_an_error_tells_whether_it_passes(code, passing):
    error = psycopg2.errors.lookup(code)() if code != "08006" else psycopg2.errors.ConnectionFailure()
    wrapped = sa.exc.DBAPIError("select 1", {}, coded(error, code))

    assert is_transient(wrapped) is passing


def test_an_error_of_ours_does_not_pass():
    assert not is_transient(ValueError("wrong"))


def write_and(engine: sa.Engine, then: Callable[[Store], object]) -> None:
    with transaction(engine) as store:
        store.watermarks.set(SYMBOL, 7, 1)
        then(store)


def coded(error: psycopg2.Error, code: str) -> psycopg2.Error:
    # psycopg2 fills the code from the server's answer; __setstate__ is how it travels otherwise.
    error.__setstate__({"pgcode": code})
    return error


def cut_all_but_this(engine: sa.Engine) -> None:
    knife = create_engine(engine.url.render_as_string(hide_password=False))
    with knife.connect() as connection:
        others = "pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        connection.execute(sa.text(f"select pg_terminate_backend(pid, 5000) from {others}"))
    knife.dispose()
