"""One class for each kind of thing that is stored; SQL lives here and in the migrations only."""
