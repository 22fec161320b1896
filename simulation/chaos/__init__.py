"""Bots under fire: the processes of the system are killed in pairs at seeded moments, and every account is checked afterwards."""
