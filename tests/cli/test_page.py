"""How the page is started."""

from pathlib import Path

from cli import page


def test_the_page_is_served_on_loopback_without_telemetry_or_watcher():
    words = page.command(8501)

    assert "--server.address=127.0.0.1" in words
    assert "--browser.gatherUsageStats=false" in words
    assert "--server.fileWatcherType=none" in words
    assert "--server.port=8501" in words


def test_the_script_has_no_pages_beside_it_that_streamlit_would_serve_without_ours():
    script = Path(next(word for word in page.command(8501) if word.endswith(".py")))

    assert script.exists()
    assert not (script.parent / "pages").exists()
